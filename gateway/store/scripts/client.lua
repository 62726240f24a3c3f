-- client.lua: changes a client: name, phone, email, note, card ids, identities.
-- KEYS: 1 shard prefix   ARGV: 1 client, 2 events max, 3 number of targets, targets..., then
--   pairs of field and value (value "" removes all but name)
-- Returns {"ok", thread} or {"missing"} or {"merged", client}
local client = ARGV[1]
local c = call('HMGET', P .. 'client:' .. client, 'thread', 'merged')
if not c[1] then return {'missing'} end
if c[2] then return {'merged', c[2]} end
local targets = tonumber(ARGV[3])
local renamed = 0 -- the CRMs shall call him so, too
for i = 4 + targets, #ARGV, 2 do
  if ARGV[i + 1] == '' and ARGV[i] ~= 'name' then
    call('HDEL', P .. 'client:' .. client, ARGV[i])
  else
    if ARGV[i] == 'name' and call('HGET', P .. 'client:' .. client, 'name') ~= ARGV[i + 1] then renamed = 1 end
    call('HSET', P .. 'client:' .. client, ARGV[i], ARGV[i + 1])
  end
  if ARGV[i] == 'name' then call('HSET', P .. 'thread:' .. c[1], 'cname', ARGV[i + 1]) end
end
event(ARGV[2], 'c ' .. client)
event(ARGV[2], 't ' .. c[1])
for i = 4, 3 + targets do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'c ' .. client .. ' ' .. renamed) end
return {'ok', c[1]}
