-- unjoin.lua: the half of an undone merge at the client who stays: the other's identities and threads are not his any
-- more, and what was there before is again (field "g:<who went>", which goes). What has changed since stays.
-- KEYS: 1 shard prefix
-- ARGV: 1 client who stays, 2 client who comes back, 3 waiting since ms "" not, 4 unread less, 5 last seq that was
--   looked at, 6 events max, 7 channel by which he himself wrote last, 8 connector, 9 kind, 10 address, 11 route,
--   12 state that the thread gets "" as it is, 13 number of targets, targets..., then pairs of field and value as the
--   merge wrote them
-- Returns {"ok"} or {"more"} (something came meanwhile: look again)
local into, from = P .. 'client:' .. ARGV[1], ARGV[2]
local c = call('HMGET', into, 'thread', 'g:' .. from)
if not c[1] or not c[2] then return {'ok'} end
local thread, record = c[1], P .. 'thread:' .. c[1]
local t = get(thread, 'seq', 'waiting', 'unread', 'kind', 'address', 'place', 'state', 'assignee', 'labels', 'last_ms',
  'channel')
if tonumber(t[1] or 0) > tonumber(ARGV[5]) then return {'more'} end
local kept, targets = cjson.decode(c[2]), tonumber(ARGV[13])
local old = kept.old
local his, strange = 'i:' .. (t[4] or '') .. ':' .. (t[5] or ''), false
for i = 14 + targets, #ARGV, 2 do
  local field, was = ARGV[i], old[ARGV[i]] or ''
  if call('HGET', into, field) == ARGV[i + 1] then
    if was == '' then call('HDEL', into, field) else call('HSET', into, field, was) end
  end
  strange = strange or (field == his and was == '')
end
call('HDEL', into, 'g:' .. from)
local state, channel = t[7], t[11]
if strange then -- answers went to the other one
  channel = ARGV[7]
  call('HSET', record, 'channel', channel, 'connector', ARGV[8], 'kind', ARGV[9], 'address', ARGV[10], 'route', ARGV[11])
end
if ARGV[12] ~= '' and state == 'open' then
  state = ARGV[12]
  call('HSET', record, 'state', state)
end
place(thread, t[6], t[7], t[8] or '', state, t[8] or '', channel, t[9], tonumber(t[10] or 0))
if t[2] and ARGV[3] == '' then
  waits_no_more(thread, true)
elseif ARGV[3] ~= '' and t[2] ~= ARGV[3] then
  call('HSET', record, 'waiting', ARGV[3])
  call('ZADD', P .. 'waiting', ARGV[3], thread)
  if ARGV[3] == kept.waiting and (kept.sla or '') ~= '' then answer_is_due_again(thread, kept.sla) end
end
call('HSET', record, 'unread', math.max(0, tonumber(t[3] or 0) - tonumber(ARGV[4])))
event(ARGV[6], 'c ' .. ARGV[1])
event(ARGV[6], 't ' .. thread)
for i = 14, 13 + targets do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'c ' .. ARGV[1] .. ' 0') end
return {'ok'}
