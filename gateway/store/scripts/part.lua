-- part.lua: a part of a message is at the channel, under this id.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 lease token, 3 thread, 4 seq, 5 dedupe bucket, 6 channel,
--   7 the channel's id of the part
-- Returns "ok", "fenced" or "missing"
if not is_owner(ARGV[2]) then return 'fenced' end
local log = P .. 'log:' .. ARGV[3]
local rec = call('HGET', log, ARGV[4])
if not rec then return 'missing' end
if not has_word(rec, 'part ' .. ARGV[7]) then -- a status may have told of it before
  call('HSET', log, ARGV[4], with_trail(rec, tonumber(ARGV[1]), 'part', ARGV[7]))
end
mark_seen(ARGV[3], ARGV[5], 'c:' .. ARGV[6] .. ':' .. ARGV[7], ARGV[4])
return 'ok'
