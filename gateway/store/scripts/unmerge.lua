-- unmerge.lua: a client who went on under another one is by himself again: the half at him. His thread is listed where
-- it was, and what comes from his identities is his from now on. Twice does no harm; until settle.lua the shard's owner
-- ends it when nobody else does.
-- KEYS: 1 shard prefix
-- ARGV: 1 client who comes back, 2 client who stays, 3 events max, 4 now ms, 5 agent, 6... CRM targets
-- Returns {"ok", thread, waiting since "" not, unread, how many merges of this client}, {"missing"} or {"elsewhere", client}
local client = ARGV[1]
local c = call('HMGET', P .. 'client:' .. client, 'thread', 'merged', 'merges')
local thread = c[1]
if not thread then return {'missing'} end
if c[2] and c[2] ~= ARGV[2] then return {'elsewhere', c[2]} end
local record = P .. 'thread:' .. thread
if c[2] then
  local t = get(thread, 'state', 'assignee', 'channel', 'labels', 'last_ms', 'snooze', 'silence')
  call('HDEL', P .. 'client:' .. client, 'merged')
  call('HDEL', record, 'merged')
  place(thread, nil, t[1], t[2] or '', t[1], t[2] or '', t[3], t[4], tonumber(t[5] or 0))
  if t[1] == 'snoozed' and (t[6] or '') ~= '' then call('ZADD', P .. 'due', t[6], 'wake ' .. thread) end
  local closes = string.match(t[7] or '', '^%d+ (%d+)')
  if closes then call('ZADD', P .. 'due', closes, 'close ' .. thread) end
  call('ZADD', P .. 'unfinished', ARGV[4] + 30000, 'unmerge ' .. client .. ' ' .. ARGV[2] .. ' ' .. ARGV[5])
  event(ARGV[3], 't ' .. thread)
  event(ARGV[3], 'c ' .. client)
  for i = 6, #ARGV do
    call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'u ' .. client .. ' ' .. ARGV[2] .. ' ' .. (c[3] or '0'))
  end
end
local waiting, unread = string.match(get(thread, 'parted')[1] or ' 0 ', '^(%d*) (%d+)')
return {'ok', thread, waiting, unread, c[3] or '0'}
