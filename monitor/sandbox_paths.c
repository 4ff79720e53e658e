/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/sandbox_paths.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The rest of path below folder, "" for the folder itself, NULL if it is elsewhere. */
static const char *below(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	if (len == 1) /* "/" */
		len = 0;
	if (strncmp(folder, path, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

static bool below_any(const char *const *folders, const char *path)
{
	for (; *folders; folders++) {
		if (below(*folders, path))
			return true;
	}
	return false;
}

static bool has_hidden(const char *path)
{
	return strstr(path, "/.") != NULL;
}

/* A name like sr0: the letters and a number. */
static bool is_numbered(const char *name, const char *letters)
{
	size_t len = strlen(letters);

	if (strncmp(name, letters, len) || !name[len])
		return false;
	for (name += len; isdigit((unsigned char)*name); name++)
		;
	return !*name;
}

/* CD and floppy drives for `change`; the bottomless ones for dumps. */
static bool device_allowed(const char *name, bool write)
{
	if (is_numbered(name, "sr"))
		return !write;
	return is_numbered(name, "fd") || !strcmp(name, "null") || !strcmp(name, "full");
}

static bool never(const struct sandbox_paths *p, const char *path, bool write)
{
	static const char *const closed[] = {"/proc", "/sys", "/dev", "/etc", "/boot", "/run",
					     "/root", NULL};

	if (below("/dev", path) && path[4])
		return !device_allowed(path + 5, write);
	if (below("/run/media", path) || (p->home[0] && below(p->home, path)))
		return false;
	return below_any(closed, path);
}

static bool is_read_only(const char *path)
{
	static const char *const software[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
					       "/libx32", "/opt", "/var", "/nix", "/gnu", "/snap",
					       NULL};

	return below_any(software, path) && !below("/var/tmp", path);
}

bool sandbox_paths_add(struct sandbox_paths *p, const char *folder, bool named)
{
	struct sandbox_folder *f = &p->folders[p->count];

	if (p->count == SANDBOX_FOLDERS || strlen(folder) >= sizeof(f->path))
		return false;
	snprintf(f->path, sizeof(f->path), "%s", folder);
	f->named = named;
	p->strict |= named;
	p->count++;
	return true;
}

bool sandbox_paths_named(const struct sandbox_paths *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->folders[i].named && below(p->folders[i].path, path))
			return true;
	}
	return false;
}

bool sandbox_paths_allow(const struct sandbox_paths *p, const char *path, bool write)
{
	bool excused = false;

	if (sandbox_paths_named(p, path))
		return true;

	for (size_t i = 0; i < p->count; i++) {
		const struct sandbox_folder *f = &p->folders[i];
		const char *rest = below(f->path, path);

		/* "/" as a place to start from says nothing. */
		excused |= rest && !has_hidden(rest) && f->path[1];
	}
	if (p->strict || never(p, path, write))
		return false;
	return excused || !(has_hidden(path) || (write && is_read_only(path)));
}
