-- merge.lua: the half of a merge that marks the client who goes on under another one. Run after the
-- other half (client.lua with the identities) succeeded; running it twice does no harm.
-- KEYS: 1 shard prefix   ARGV: 1 client that goes, 2 client that stays, 3 its thread, 4 events max,
--   5... CRM targets
-- Returns {"ok"} or {"missing"}
local client = ARGV[1]
local thread = call('HGET', P .. 'client:' .. client, 'thread')
if not thread then return {'missing'} end
local t = get(thread, 'state', 'assignee', 'merged', 'place')
call('HSET', P .. 'client:' .. client, 'merged', ARGV[2])
call('HSET', P .. 'thread:' .. thread, 'merged', ARGV[3], 'unread', 0)
waits_no_more(thread, true)
if not t[3] then unplace(thread, t[4], t[1], t[2]) end
call('ZREM', P .. 'due', 'wake ' .. thread, 'close ' .. thread)
if not t[3] then
  event(ARGV[4], 't ' .. thread)
  event(ARGV[4], 'c ' .. client)
  for i = 5, #ARGV do
    call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'g ' .. client .. ' ' .. ARGV[2])
  end
end
return {'ok', thread}
