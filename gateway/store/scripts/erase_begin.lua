-- erase_begin.lua: a client's data are going to be erased: until that is done the shard's owner goes on with it when
-- nobody else does.
-- KEYS: 1 shard prefix   ARGV: 1 client, 2 now ms, 3 agent, 4 reason
-- Returns {"ok"}, {"missing"} or {"merged", client}
local key = P .. 'client:' .. ARGV[1]
local c = call('HMGET', key, 'thread', 'merged', 'erased')
if not c[1] then return {'missing'} end
if c[2] then return {'merged', c[2]} end
if not c[3] then call('HSETNX', key, 'erasing', ARGV[3] .. ' ' .. ARGV[4]) end
call('ZADD', P .. 'unfinished', ARGV[2] + 30000, 'erase ' .. ARGV[1] .. ' - ' .. ARGV[3])
return {'ok'}
