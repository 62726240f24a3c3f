-- event.lua: something happened in a CRM that we shall act on: kept until that is done. The queue has
-- "f <lane> <number>", the hash "body:<queue>" the event under its number; a dead letter keeps its own.
-- KEYS: 1 shard prefix
-- ARGV: 1 queue ("from:crm"), 2 what is unique for the event, 3 dedupe bucket, 4 lane (an id whose tag
--   says what it is about), 5 the event, 6 how many may wait, 7 how many bytes of them, 8 events max
-- Returns "ok", "dup" or "full"
local queue, body = ARGV[1], P .. 'body:' .. ARGV[1]
if seen_seq(queue, ARGV[3], ARGV[2]) then return 'dup' end
local bytes = tonumber(call('HGET', body, 'bytes') or 0)
if call('XLEN', P .. queue) >= tonumber(ARGV[6]) or bytes + #ARGV[5] > tonumber(ARGV[7]) then return 'full' end
local n = call('HINCRBY', body, 'last', 1)
call('HINCRBY', body, 'bytes', #ARGV[5])
call('HSET', body, n, ARGV[5])
enqueue(queue, 'f ' .. ARGV[4] .. ' ' .. n)
mark_seen(queue, ARGV[3], ARGV[2], n)
event(ARGV[8], 'w ' .. ARGV[4])
return 'ok'
