-- locate.lua: a message by the channel's own id of it.
-- KEYS: 1 shard prefix   ARGV: 1 thread, 2 dedupe key, 3 dedupe bucket
-- Returns {"ok", seq, record}, {"missing"} or {"merged", thread}
local t = get(ARGV[1], 'client', 'merged')
if not t[1] then return {'missing'} end
if t[2] then return {'merged', t[2]} end
local seq = seen_seq(ARGV[1], ARGV[3], ARGV[2])
local rec = seq and call('HGET', P .. 'log:' .. ARGV[1], seq)
if not rec then return {'missing'} end
return {'ok', tonumber(seq), rec}
