-- user_change.lua: changes a user; ends all of his sessions when the password is another, or the role, or he is blocked,
-- and tells every worker. rev grows when his name, his role or whether he is blocked changes, which is what admins may edit; all
-- screens are told of it.
-- KEYS: 1 "sb:user:<name>", 2 "sb:sessions:<name>", 3 "sb:users"
-- ARGV: 1 name, 2 "1" to end sessions in any case, 3 the rev that is expected, "" any, 4... pairs
-- Returns 1, 0 when there is no such user, -1 when he was changed meanwhile, -2 when he is the last admin
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local user = redis.call('HMGET', KEYS[1], 'rev', 'role', 'disabled', 'display_name')
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= tonumber(user[1] or '0') then return -1 end
local new = {role = user[2], disabled = user[3], display_name = user[4]}
for i = 4, #ARGV, 2 do new[ARGV[i]] = ARGV[i + 1] end
local function is_admin(role, disabled) return role == 'admin' and disabled ~= '1' end
if is_admin(user[2], user[3]) and not is_admin(new.role, new.disabled) then
  local others = false
  for _, name in ipairs(redis.call('SMEMBERS', KEYS[3])) do
    local other = redis.call('HMGET', 'sb:user:' .. name, 'role', 'disabled')
    others = others or (name ~= ARGV[1] and is_admin(other[1], other[2]))
  end
  if not others then return -2 end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
local blocked = (new.disabled == '1') ~= (user[3] == '1')
if blocked or new.role ~= user[2] or new.display_name ~= user[4] then
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
  redis.call('PUBLISH', 'sb:live', cjson.encode({t = 'desk', what = 'agents', id = ARGV[1]}))
end
if ARGV[2] == '1' or blocked or new.role ~= user[2] then
  for _, sha in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('DEL', 'sb:session:' .. sha) end
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', 'sb:ended', ARGV[1])
end
return 1
