-- shelf.lua: puts a thing on a shelf, or takes it away. A thing is "<rev> <json>"; rev grows with each change.
-- KEYS: 1 "sb:shelf:<name>"   ARGV: 1 id, 2 json or "" to take away, 3 rev that is expected, 0 none, "" any,
--   4 most things, 5 what is told or ""
-- Returns {"ok", rev}, {"changed", rev}, {"full"} or {"missing"}
local now = redis.call('HGET', KEYS[1], ARGV[1])
local rev = now and tonumber(string.match(now, '^%d+')) or 0
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= rev then return {now and 'changed' or 'missing', rev} end
if ARGV[2] == '' then
  if not now then return {'missing'} end
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  if not now and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return {'full'} end
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', rev + 1) .. ' ' .. ARGV[2])
end
if ARGV[5] ~= '' then redis.call('PUBLISH', 'sb:live', ARGV[5]) end
return {'ok', rev + 1}
