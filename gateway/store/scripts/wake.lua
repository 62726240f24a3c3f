-- wake.lua: threads whose snooze is over are open again, with an entry that says so. Besides, threads that were last
-- written before there were counts are counted, some at a time.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 events max, 3 an id to make others of, 4... CRM targets
-- Returns how many were woken
local now = tonumber(ARGV[1])
local woken = 0

local function wake(thread, t)
  local seq = tonumber(t[5] or 0) + 1
  local id = string.sub(ARGV[3], 1, 10) .. string.sub(thread, 11, 19) .. string.sub(ARGV[3], 20)
  local body = '{"d":"event","event":{"type":"state","to":"open"}}'
  call('HSET', P .. 'log:' .. thread, seq, id .. ' ' .. body .. '\n' .. ARGV[1] .. ' received\n+0 stored')
  call('HSET', P .. 'thread:' .. thread, 'seq', seq, 'state', 'open', 'snooze', '', 'last_ms', now)
  place(thread, t[6], t[1], t[2], 'open', t[2] or '', t[7], t[8], now)
  event(ARGV[2], 'm ' .. thread .. ' ' .. seq .. ' event')
  for i = 4, #ARGV do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'm ' .. thread .. ' ' .. seq) end
  woken = woken + 1
end

for _, job in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[1], 'LIMIT', 0, 100)) do
  local thread = string.match(job, '^wake (.+)$')
  local t = get(thread, 'state', 'assignee', 'merged', 'snooze', 'seq', 'place', 'channel', 'labels')
  if t[1] == 'snoozed' and not t[3] and tonumber(t[4] or 0) <= now then wake(thread, t) end
  call('ZREM', P .. 'due', job)
end

local counted = call('GET', P .. 'counted') or '-inf'
if counted ~= 'all' then
  local some = call('ZRANGEBYSCORE', P .. 'view:all', counted, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for i = 1, #some, 2 do
    local t = get(some[i], 'state', 'assignee', 'channel', 'labels', 'place')
    if t[1] and not t[5] then place(some[i], nil, t[1], t[2] or '', t[1], t[2] or '', t[3], t[4], some[i + 1]) end
  end
  local last = some[#some]
  if #some < 2000 then last = 'all' elseif last == counted then last = '(' .. last end
  call('SET', P .. 'counted', last)
end
return woken
