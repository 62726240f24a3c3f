-- delivery.lua: what a delivery needs, at once.
-- KEYS: 1 shard prefix   ARGV: 1 thread, 2 seq, 3... fields of the thread, "client" first
-- Returns {their values, the message's record or nil, the client's hash}; the hash is empty when there is no such
--   thread or client, or the client is of another shard (the last two characters of an id)
local thread = ARGV[1]
local values = get(thread, unpack(ARGV, 3))
local client = values[1]
local is_here = client and string.sub(client, -2) == string.sub(thread, -2)
return {values, call('HGET', P .. 'log:' .. thread, ARGV[2]), is_here and call('HGETALL', P .. 'client:' .. client) or {}}
