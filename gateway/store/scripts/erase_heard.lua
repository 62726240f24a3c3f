-- erase_heard.lua: a CRM has heard that a client was erased.
-- KEYS: 1 shard prefix   ARGV: 1 client, 2 target, 3 "<how> <ms>", 4 events max
-- Returns {"ok"}
call('HSET', P .. 'client:' .. ARGV[1], 'told:' .. ARGV[2], ARGV[3])
event(ARGV[4], 'c ' .. ARGV[1])
return {'ok'}
