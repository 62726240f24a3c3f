-- user_revoke.lua: ends sessions of one user and tells every worker.
-- KEYS: 1 "sb:sessions:<name>"   ARGV: 1 name, 2 the beginning of a sha256 ("" all), 3 the sha256 that stays, or ""
-- Returns how many have ended
local n = 0
for _, sha in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(sha, 1, #ARGV[2]) == ARGV[2] and sha ~= ARGV[3] then
    n = n + redis.call('DEL', 'sb:session:' .. sha)
    redis.call('ZREM', KEYS[1], sha)
  end
end
if n > 0 then redis.call('PUBLISH', 'sb:ended', ARGV[1]) end
return n
