-- window_over.lua: the channel says that a client may not be answered freely any more.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 thread, 3 channel, 4 only if it would end before, ms,
--   5 events max
-- Returns 1 when the window was open until now, else 0
local thread, channel = ARGV[2], ARGV[3]
local window = get(thread, 'window')[1]
if not window then return 0 end
local rest, ends, free = window_parts(window, channel)
if tonumber(ends) <= tonumber(ARGV[1]) or tonumber(ends) >= tonumber(ARGV[4]) then return 0 end
call('HSET', P .. 'thread:' .. thread, 'window', rest .. channel .. ' ' .. ARGV[1] .. ' ' .. free .. ';')
event(ARGV[5], 't ' .. thread)
return 1
