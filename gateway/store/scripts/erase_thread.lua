-- erase_thread.lua: nothing comes into this thread any more, nothing of it is under way, and it is in no list. Its
-- messages are next (erase_log.lua). Once.
-- KEYS: 1 shard prefix
-- ARGV: 1 thread, 2 now ms, 3 dedupe bucket, 4 events max, 5 agents' names between spaces, 6... CRM targets
-- Returns {"ok", last seq, first seq that is kept} or {"missing"}
local thread, record = ARGV[1], P .. 'thread:' .. ARGV[1]
local t = get(thread, 'client', 'state', 'assignee', 'place', 'seq', 'first', 'erased', 'merged')
if not t[1] then return {'missing'} end
local answer = {'ok', tonumber(t[5] or 0), tonumber(t[6] or 1)}
if t[7] then return answer end

local function clean(queue, ...)
  local retry = P .. 'retry:' .. queue
  for _, e in ipairs(call('XRANGE', P .. queue, '-', '+')) do
    for _, begins in ipairs({...}) do
      if string.sub(e[2][2], 1, #begins) == begins then
        call('XDEL', P .. queue, e[1])
        call('HDEL', retry, e[1])
      end
    end
  end
end
for _, queue in ipairs(call('SMEMBERS', P .. 'queues')) do
  if string.sub(queue, 1, 5) ~= 'from:' then
    clean(queue, thread .. ' ')
    if call('XLEN', P .. queue) == 0 then call('SREM', P .. 'queues', queue) end
  end
end
for i = 6, #ARGV do
  clean('crm:' .. ARGV[i], 'm ' .. thread .. ' ', 'c ' .. t[1] .. ' ')
  call('DEL', P .. 'gap:' .. ARGV[i] .. ':' .. thread, P .. 'again:' .. ARGV[i] .. ':' .. thread)
end
for _, e in ipairs(call('XRANGE', P .. 'dead', '-', '+')) do
  local of = {}
  for i = 1, #e[2], 2 do of[e[2][i]] = e[2][i + 1] end
  local subject = string.match(of.e or '', '^m (%w+) ') or string.match(of.e or '', '^(%w+) %d') or
    string.match(of.e or '', '^c (%w+) ')
  if subject == thread or subject == t[1] then
    call('XDEL', P .. 'dead', e[1])
    call('XDEL', P .. 'dead:' .. of.q, e[1])
  end
end
for back = 0, 2 do call('DEL', P .. 'seen:' .. thread .. ':' .. string.format('%d', ARGV[3] - back)) end
call('DEL', P .. 'writer:' .. thread)
call('ZREM', P .. 'due', 'wake ' .. thread, 'close ' .. thread, 'ask ' .. thread)
for agent in string.gmatch(ARGV[5], '%S+') do call('ZREM', P .. 'view:m:' .. agent, thread) end
waits_no_more(thread, true)
if not t[8] then unplace(thread, t[4], t[2], t[3]) end

local stays = {client = 1, seq = 1, created = 1, first = 1, last_ms = 1, ar = 1, cr = 1, cd = 1, channel = 1, connector = 1,
  merged = 1}
for _, field in ipairs(call('HKEYS', record)) do
  if not stays[field] and not string.find(field, '^crm:') and not string.find(field, '^filled:') then
    call('HDEL', record, field)
  end
end
call('HSET', record, 'erased', ARGV[2], 'state', 'closed', 'cname', '', 'unread', 0)
event(ARGV[4], 't ' .. thread)
return answer
