-- begin.lua: a delivery to a channel is about to be sent. "sending" is on disk before the call, so
-- that after a crash nobody sends it again in silence.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 lease token, 3 thread, 4 seq, 5 attempt, 6 events max
-- Returns "ok", "fenced", "missing", "done" (sent, failed or unknown already) or "unknown" (an
--   owner before us died while sending)
if not is_owner(ARGV[2]) then return 'fenced' end
local log = P .. 'log:' .. ARGV[3]
local rec = call('HGET', log, ARGV[4])
if not rec then return 'missing' end
local last, there = last_step(rec)
if there or last == 'failed' or last == 'unknown' then return 'done' end
if last == 'sending' then return 'unknown' end
call('HSET', log, ARGV[4], with_trail(rec, tonumber(ARGV[1]), 'sending', ARGV[5]))
event(ARGV[6], 's ' .. ARGV[3] .. ' ' .. ARGV[4])
return 'ok'
