-- suggest.lua: two clients have proven the same: it is noted with one of them, unless a person has said of this very proof
-- that they are two ("d:<other>" of a client has such proofs, a line each).
-- KEYS: 1 shard prefix   ARGV: 1 client, 2 the other one, 3 what both have proven, "<kind>:<address>"
-- Returns {"ok"}
local key = P .. 'client:' .. ARGV[1]
local no = call('HGET', key, 'd:' .. ARGV[2]) or ''
if not string.find('\n' .. no, '\n' .. ARGV[3] .. '\n', 1, true) then call('HSET', key, 's:' .. ARGV[2], ARGV[3]) end
return {'ok'}
