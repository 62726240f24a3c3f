-- dismiss.lua: a person says that a client is not the other one who has proven the same: it is suggested no more. Twice does
-- no harm.
-- KEYS: 1 shard prefix   ARGV: 1 client, 2 the other one, 3 events max
-- Returns {"ok"}
local key = P .. 'client:' .. ARGV[1]
local c = call('HMGET', key, 's:' .. ARGV[2], 'd:' .. ARGV[2])
if not c[1] then return {'ok'} end
call('HSET', key, 'd:' .. ARGV[2], (c[2] or '') .. c[1] .. '\n')
call('HDEL', key, 's:' .. ARGV[2])
event(ARGV[3], 'c ' .. ARGV[1])
return {'ok'}
