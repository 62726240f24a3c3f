-- rules_put.lua: what rules have begun and done in this shard.
-- KEYS: 1 shard prefix   ARGV: 1 lease token, then field and value ("" takes it away)...
-- Returns "ok" or "fenced"
if not is_owner(ARGV[1]) then return 'fenced' end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', P .. 'rules', ARGV[i])
  else
    call('HSET', P .. 'rules', ARGV[i], ARGV[i + 1])
  end
end
return 'ok'
