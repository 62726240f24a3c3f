-- wake.lua: what is due now. Snoozes that are over: the thread is open again. Answers that are due soon, or are late:
-- who is to know is told. Dialogues in which nobody wrote any more: closed. Each with an entry that says so, once: what
-- fires leaves "due" in the same step. Clients who are to be asked how the talk was ("ask <thread>"): the caller knows how,
-- and does it by ask.lua, which takes them out. Besides, threads that were last written before there were counts are counted.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 events max, 3 an id to make others of, 4 token of the shard's owner, 5 day
--   and hour for reports, 6 how many seconds a day of them is kept, 7 how long after its end a talk is asked about, by
--   channel: " sales=60000 box=0 ", 8... CRM targets
-- Returns {how many were done, when the next is due, ms, or "", then what was begun in several steps and not ended by
-- who began it ("unfinished", by when it should have been), and who is to be asked ("ask <thread> - <episode>"): the
-- caller ends it, or is asked again half a minute later}, or {} when the shard has another owner
local now, targets, later = tonumber(ARGV[1]), 8, tonumber(ARGV[1]) + 30000
local done, asks = 0, {}
if not is_owner(ARGV[4]) then return {} end

local DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
local function digit(n) return string.sub(DIGITS, n % 32 + 1, n % 32 + 1) end

-- One more entry of a thread, an event; seq: the number of the one before; signs: for rules, see append.lua.
local function tell(thread, seq, what, signs)
  local id = string.sub(ARGV[3], 1, 19) .. digit(math.floor(done / 32)) .. digit(done) .. string.sub(ARGV[3], 22)
  add_entry(thread, tonumber(seq or 0) + 1, id, '{"d":"event","event":{' .. what .. '}}', ARGV[1],
    'event' .. (signs or ''), ARGV[2], targets)
  done = done + 1 -- two of one thread may be due at once: each has an id of its own
end

local function becomes(thread, t, state, score)
  call('HSET', P .. 'thread:' .. thread, 'state', state, 'snooze', '', 'last_ms', score)
  place(thread, t[6], t[1], t[2], state, t[2] or '', t[7], t[8], score)
end

local function wake(thread, t)
  if t[1] ~= 'snoozed' or tonumber(t[4] or 0) > now then return end
  becomes(thread, t, 'open', now)
  call('ZREM', P .. 'due', 'close ' .. thread) -- somebody wants to see it
  tell(thread, t[5], '"type":"state","to":"open"')
end

-- Who is responsible hears of both, supervisors of what they want to, and of all that nobody is responsible for.
-- seq: the entry's, by which pages know that they were told.
local function remind(thread, t, step, supervisors, seq)
  local names = {'"t":"desk","what":"reminder","id":"' .. thread .. '","step":"' .. step .. '","seq":' .. seq}
  local agent = t[2] or ''
  if agent ~= '' then names[2] = '"agent":' .. cjson.encode(agent) end
  if supervisors == 'a' or (supervisors == 'l' and (step == 'late' or agent == '')) then
    names[#names + 1] = '"role":"supervisor"'
  end
  if #names > 1 then call('PUBLISH', 'sb:live', '{' .. table.concat(names, ',') .. '}') end
end

-- In reports: it got late in this hour; whose it was.
local function count_late(t)
  local agent = t[2] or ''
  count_day(ARGV[5], 'late', string.sub(ARGV[5], 10), t[7] or '')
  if agent ~= '' then count_day(ARGV[5], 'late.agent', agent) end
  for _, label in ipairs(labels_of(t[8])) do count_day(ARGV[5], 'late.label', label) end
  counted_day(ARGV[5], ARGV[6])
end

local function answer(thread, t)
  local kind, step, reminded, due, whom, at, policy =
    string.match(t[9] or '', '^(%l+) (%d) (%d+) (%d+) (%l) (%S+) (.*)$')
  if not kind or not t[10] or t[11] == '1' then return end
  local late = tonumber(due) <= now
  local told = '"type":"sla","kind":"' .. kind .. '","due":"' .. at .. '","policy":' .. policy .. ',"step":'
  if late then
    told = told .. '"late","late_ms":' .. string.format('%d', now - tonumber(due))
  else
    told = told .. '"soon"'
    call('ZADD', P .. 'due', due, 'sla ' .. thread)
  end
  call('HSET', P .. 'thread:' .. thread, 'sla', kind .. (late and ' 2 ' or ' 1 ') .. reminded .. ' ' .. due .. ' ' ..
    whom .. ' ' .. at .. ' ' .. policy)
  tell(thread, t[5], told)
  if late then count_late(t) end
  if late and t[1] == 'snoozed' then -- he waits, and nobody sees it: the snooze is over now
    call('HSET', P .. 'thread:' .. thread, 'snooze', ARGV[1])
    call('ZADD', P .. 'due', now, 'wake ' .. thread)
  end
  remind(thread, t, late and 'late' or 'soon', whom, tonumber(t[5] or 0) + 1)
end

local function close(thread, t)
  local policy = string.match(t[12] or '', '^%d+ %d+ %l %S+ (.*)$')
  if not policy or t[1] ~= 'open' or t[10] then return end
  call('HDEL', P .. 'thread:' .. thread, 'silence')
  becomes(thread, t, 'closed', tonumber(t[13] or now))
  tell(thread, t[5], '"type":"state","to":"closed","why":"silence","policy":' .. policy, ' c')
  count_day(ARGV[5], 'closed', string.sub(ARGV[5], 10), t[7] or '')
  counted_day(ARGV[5], ARGV[6])
  local _, at = string.find(ARGV[7], ' ' .. (t[7] or '') .. '=', 1, true)
  local after = at and string.match(ARGV[7], '^%d+', at + 1)
  if after then call('ZADD', P .. 'due', now + after, 'ask ' .. thread) end
end

local function ask(thread, t)
  if t[1] ~= 'closed' then return end
  call('ZADD', P .. 'due', later, 'ask ' .. thread)
  asks[#asks + 1] = 'ask ' .. thread .. ' - ' .. (t[14] or '0')
end

local jobs = {wake = wake, sla = answer, close = close, ask = ask}
for _, job in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[1], 'LIMIT', 0, 100)) do
  local what, thread = string.match(job, '^(%l+) (.+)$')
  call('ZREM', P .. 'due', job)
  local t = get(thread, 'state', 'assignee', 'merged', 'snooze', 'seq', 'place', 'channel', 'labels', 'sla',
    'waiting', 'blocked', 'silence', 'last_ms', 'episode')
  if jobs[what] and t[1] and not t[3] then jobs[what](thread, t) end
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
local unfinished = call('ZRANGEBYSCORE', P .. 'unfinished', '-inf', ARGV[1], 'LIMIT', 0, 10)
for _, what in ipairs(unfinished) do call('ZADD', P .. 'unfinished', later, what) end
for _, what in ipairs(asks) do unfinished[#unfinished + 1] = what end
return {done, call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')[2] or '', unpack(unfinished)}
