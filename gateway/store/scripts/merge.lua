-- merge.lua: the half of a merge that marks the client who goes on under another one. Run after the
-- other half (join.lua) succeeded; running it twice does no harm. Until carry.lua has given the other thread what was
-- to be done in this one, "unfinished" has the merge: the shard's owner ends it when nobody else does.
-- KEYS: 1 shard prefix   ARGV: 1 client that goes, 2 client that stays, 3 its thread, 4 events max, 5 now ms, 6 agent,
--   7... CRM targets
-- Returns {"ok", thread, waiting since "" not, unread, how many merges of this client, by when an answer is due as the
--   field "sla" has it} or {"missing"}
local client = ARGV[1]
local thread = call('HGET', P .. 'client:' .. client, 'thread')
if not thread then return {'missing'} end
local t = get(thread, 'state', 'assignee', 'merged', 'place', 'waiting', 'unread', 'sla')
if not t[3] then
  call('HSET', P .. 'client:' .. client, 'merged', ARGV[2])
  local number = call('HINCRBY', P .. 'client:' .. client, 'merges', 1)
  call('HSET', P .. 'thread:' .. thread, 'merged', ARGV[3], 'unread', 0, 'parted',
    (t[5] or '') .. ' ' .. (t[6] or 0) .. ' ' .. (t[7] or ''))
  waits_no_more(thread, true)
  unplace(thread, t[4], t[1], t[2])
  call('ZREM', P .. 'due', 'wake ' .. thread, 'close ' .. thread, 'ask ' .. thread)
  call('ZADD', P .. 'unfinished', ARGV[5] + 30000, 'merge ' .. client .. ' ' .. ARGV[2] .. ' ' .. ARGV[6])
  event(ARGV[4], 't ' .. thread)
  event(ARGV[4], 'c ' .. client)
  for i = 7, #ARGV do
    call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'g ' .. client .. ' ' .. ARGV[2] .. ' ' .. number)
  end
end
local waiting, unread, sla = string.match(get(thread, 'parted')[1] or ' 0 ', '^(%d*) (%d+) ?(.*)$')
return {'ok', thread, waiting, unread, call('HGET', P .. 'client:' .. client, 'merges') or '0', sla}
