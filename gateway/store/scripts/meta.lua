-- meta.lua: what is written down once for the whole data: number of shards, epoch, secret.
-- KEYS: 1 the hash "sb:meta"   ARGV: 1 shards, 2 a new epoch, 3 a new secret, 4 ballast
-- Returns {shards, epoch, secret} as they stand now
local call = redis.call
call('HSETNX', KEYS[1], 'shards', ARGV[1])
call('HSETNX', KEYS[1], 'epoch', ARGV[2])
call('HSETNX', KEYS[1], 'secret', ARGV[3])
return call('HMGET', KEYS[1], 'shards', 'epoch', 'secret')
