-- join.lua: the first half of a merge, at the client who stays: he gets the identities and threads of the one who goes.
-- What was there before is kept in his field "g:<who goes>", so that a person can undo it. Twice does no harm.
-- KEYS: 1 shard prefix
-- ARGV: 1 client who stays, 2 client who goes, 3 now ms, 4 agent, 5 name of the one who goes, 6 events max, 7 number
--   of targets, targets..., then pairs of field and value
-- Returns {"ok", thread}, {"missing"} or {"merged", client}
local into, from, targets = P .. 'client:' .. ARGV[1], ARGV[2], tonumber(ARGV[7])
local c = call('HMGET', into, 'thread', 'merged', 'g:' .. from)
if not c[1] then return {'missing'} end
if c[2] then return {'merged', c[2]} end
if c[3] and cjson.decode(c[3]).carried then return {'ok', c[1]} end
if not c[3] then
  local t = get(c[1], 'seq', 'waiting', 'state', 'channel', 'connector', 'kind', 'address', 'route', 'sla')
  local old = {}
  for i = 8 + targets, #ARGV, 2 do old[ARGV[i]] = call('HGET', into, ARGV[i]) or '' end
  call('HSET', into, 'g:' .. from, cjson.encode({at = ARGV[3], by = ARGV[4], name = ARGV[5],
    seq = tonumber(t[1] or 0), waiting = t[2] or '', state = t[3], sla = t[9] or '', old = old,
    to = {channel = t[4] or '', connector = t[5] or '', kind = t[6] or '', address = t[7] or '', route = t[8] or ''}}))
end
for i = 8 + targets, #ARGV, 2 do call('HSET', into, ARGV[i], ARGV[i + 1]) end
event(ARGV[6], 'c ' .. ARGV[1])
event(ARGV[6], 't ' .. c[1])
for i = 8, 7 + targets do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'c ' .. ARGV[1] .. ' 0') end
return {'ok', c[1]}
