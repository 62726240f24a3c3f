-- dead_retry.lua: puts a dead letter back at the end of its queue; its message is queued again.
-- KEYS: 1 shard prefix   ARGV: 1 entry id in the dead stream, 2 now ms, 3 events max
-- Returns "ok" or "missing"
local dead = call('XRANGE', P .. 'dead', ARGV[1], ARGV[1])[1]
if not dead then return 'missing' end
local f = {}
for i = 1, #dead[2], 2 do f[dead[2][i]] = dead[2][i + 1] end
enqueue(f.q, f.e)
call('XDEL', P .. 'dead', ARGV[1])
local thread, seq = string.match(f.e, '^m (%w+) (%d+)$')
if not thread then thread, seq = string.match(f.e, '^(%w+) (%d+)') end
local rec = thread and call('HGET', P .. 'log:' .. thread, seq)
if rec then
  call('HSET', P .. 'log:' .. thread, seq, with_trail(rec, tonumber(ARGV[2]),
    string.sub(f.q, 1, 4) == 'crm:' and 'card_retry' or 'retry', 'by_hand'))
  event(ARGV[3], 's ' .. thread .. ' ' .. seq)
end
return 'ok'
