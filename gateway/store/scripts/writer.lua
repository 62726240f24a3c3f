-- writer.lua: which agent is writing an answer in a thread. The first one is, until he stops, sends, or is silent.
-- KEYS: 1 shard prefix   ARGV: 1 thread, 2 agent, 3 for how many ms, 0 he stops
-- Returns who it is now, or ""
local key = P .. 'writer:' .. ARGV[1]
local who = call('GET', key)
if who and who ~= ARGV[2] then return who end
if ARGV[3] == '0' then
  if who then call('DEL', key) end
  return ''
end
call('SET', key, ARGV[2], 'PX', ARGV[3])
return ARGV[2]
