-- erase_client.lua: of a client stays that there was one, when he was erased, by whom and why, and which cards CRMs keep
-- of him. CRMs are told. Once.
-- KEYS: 1 shard prefix
-- ARGV: 1 client, 2 now ms, 3 agent, 4 reason, 5 events max, 6 an id to make another of, 7 what the thread tells, as a
--   JSON string, 8... for each CRM: its target, and whether it deletes what it has ("d") or can only note it ("n")
-- Returns {"ok"} or {"missing"}
local client, key = ARGV[1], P .. 'client:' .. ARGV[1]
local c = call('HMGET', key, 'thread', 'merged', 'erased', 'created', 'merges', 'erasing')
local thread = c[1]
if not thread then return {'missing'} end
if c[3] then return {'ok'} end
local why = c[6] or ARGV[3] .. ' ' .. ARGV[4] -- as it was asked for
local stays = {}
for _, field in ipairs(call('HKEYS', key)) do
  if string.sub(field, 1, 2) == 'm:' then stays[#stays + 1] = {field, call('HGET', key, field)} end
end
local told = {}
for i = 8, #ARGV, 2 do
  local target, mode = ARGV[i], ARGV[i + 1]
  local card = call('HMGET', key, 'card:' .. target, 'cardurl:' .. target)
  call('DEL', P .. 'echo:' .. client .. ':' .. target)
  if mode == 'n' and card[1] then
    stays[#stays + 1] = {'card:' .. target, card[1]}
    if card[2] then stays[#stays + 1] = {'cardurl:' .. target, card[2]} end
  end
  if mode == 'd' or card[1] then
    stays[#stays + 1] = {'told:' .. target, 'waiting ' .. ARGV[2]}
    told[#told + 1] = {target, mode}
  end
end
call('DEL', key)
call('HSET', key, 'name', '', 'thread', thread, 'created', c[4] or ARGV[2], 'merges', c[5] or 0,
  'erased', ARGV[2] .. ' ' .. why)
if c[2] then call('HSET', key, 'merged', c[2]) end
for _, f in ipairs(stays) do call('HSET', key, f[1], f[2]) end
local seq
if not c[2] then
  seq = call('HINCRBY', P .. 'thread:' .. thread, 'seq', 1)
  local id = string.sub(ARGV[6], 1, 10) .. string.sub(thread, 11, 19) .. string.sub(ARGV[6], 20)
  call('HSET', P .. 'log:' .. thread, seq, id .. ' {"d":"event","erased":true,"event":{"type":"erased","by":"' .. ARGV[3] ..
    '","text":' .. ARGV[7] .. '}}\n' .. ARGV[2] .. ' received\n+0 stored')
  event(ARGV[5], 'm ' .. thread .. ' ' .. seq .. ' event')
end
event(ARGV[5], 'c ' .. client)
for _, t in ipairs(told) do
  if t[2] == 'n' and seq then call('XADD', P .. 'crm:' .. t[1], '*', 'e', 'm ' .. thread .. ' ' .. seq) end
  call('XADD', P .. 'crm:' .. t[1], '*', 'e', 'x ' .. client .. ' ' .. client)
end
return {'ok'}
