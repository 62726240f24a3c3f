-- lease.lua: takes or renews a shard's lease, or gives it up. The fencing number grows with each
-- new owner; a script of the old one is refused by it.
-- KEYS: 1 shard prefix   ARGV: 1 owner, 2 ttl ms (0: give up)
-- Returns the token "<owner>:<number>" when it is the caller's after this, else false
local held = call('GET', P .. 'lease')
local mine = held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. ':'
if ARGV[2] == '0' then
  if mine then call('DEL', P .. 'lease') end
  return false
end
if mine then
  call('PEXPIRE', P .. 'lease', ARGV[2])
  return held
end
if held then return false end
local token = ARGV[1] .. ':' .. call('INCR', P .. 'fence')
call('SET', P .. 'lease', token, 'PX', ARGV[2])
return token
