-- SPDX-License-Identifier: GPL-2.0-or-later
-- Loops that the JIT compiler takes, again and again with new code.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
local sum = 0
for round = 1, 40 do
	local f = loadstring("local n = ... local s = 0 for i = 1, n do s = (s * " .. round
		.. " + i) % 65521 end return s")
	sum = (sum * 31 + f(200000)) % 1000003
	if round % 10 == 0 then jit.flush() end
end
local x = 0
for i = 1, 3000000 do x = x + math.sqrt(i) / (i + 1) end
print(string.format("%s %d %d %.9f", jit.status() and "on" or "off", sum, fib(27), x))
