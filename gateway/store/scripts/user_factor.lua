-- user_factor.lua: changes a user's second factor.
-- KEYS: 1 "sb:user:<name>", 2 "sb:recovery:<name>", 3 "sb:sessions:<name>"
-- ARGV: 1 begin: 2 the new sealed secret, which waits for its first code
--       1 enable: 2 the sealed secret that was proven, 3 the step of its code, 4... marks of recovery codes
--       1 codes: 2 the sealed secret in force, 3 "", 4... marks of recovery codes
--       1 off: 2 "" or the name, whose sessions end then
-- Returns 1, 0 when there is no such user, -1 when it is not as the change expects
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local user = redis.call('HMGET', KEYS[1], 'totp', 'totp_new')
if ARGV[1] == 'begin' then
  if user[1] then return -1 end
  redis.call('HSET', KEYS[1], 'totp_new', ARGV[2])
elseif ARGV[1] == 'off' then
  if not user[1] then return -1 end
  redis.call('HDEL', KEYS[1], 'totp', 'totp_step', 'totp_new')
  redis.call('DEL', KEYS[2])
  if ARGV[2] ~= '' then
    for _, sha in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do redis.call('DEL', 'sb:session:' .. sha) end
    redis.call('DEL', KEYS[3])
    redis.call('PUBLISH', 'sb:ended', ARGV[2])
  end
else
  if ARGV[1] == 'enable' then
    if user[1] or user[2] ~= ARGV[2] then return -1 end
    redis.call('HSET', KEYS[1], 'totp', ARGV[2], 'totp_step', ARGV[3])
    redis.call('HDEL', KEYS[1], 'totp_new')
  elseif user[1] ~= ARGV[2] then
    return -1
  end
  redis.call('DEL', KEYS[2])
  redis.call('SADD', KEYS[2], unpack(ARGV, 4))
end
return 1
