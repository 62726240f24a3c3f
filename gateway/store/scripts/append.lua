-- append.lua: the one append. All or nothing: dedupe, client and thread made when new, the record,
-- the thread's fields, views, event, deliveries to the channel and to each CRM target.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 direction, 3 who ("" by identity, "t<thread>", "c<client>"), 4 identity kind,
--   5 address, 6 name, 7 verified 0|1, 8 new client id, 9 new thread id, 10 message id whose tag is
--   to be the thread's, 11 channel, 12 connector, 13 dedupe key or "", 14 dedupe bucket, 15 body,
--   16 preview, 17 deliver 0|1, 18 assignee, 19 state, 20 labels, 21 snooze ms (each "-" or "=new"),
--   22 profile json or "", 23 events max, 24 messages to keep, 25 keep ms, 26 route (how an answer
--   gets back, "" none), 27 dedupe key of the message that this one answers or "", 28 a second
--   dedupe key of this message or "", 29 attachments are to be fetched 0|1, 30 an event takes the
--   address 0|1, 31 answers may go until ms "" as it was, 32 an answer until ms 33 makes so many ms
--   free, 34 of the past: when ms "" now, 35 blocked ("-" or "=1", "="), 36 the
--   agent whose answer it is or "", 37 up to which seq he has seen the thread ("" does not matter), 38 agents
--   mentioned in it, names between spaces, 39 the agent who did it "" nobody of ours, 40 day and hour for reports
--   "yyyymmdd hh", 41 how many seconds a day of them is kept, 42 by when the first answer of a matter is due if the
--   client begins to wait, 43 a later one, 44 when the thread is closed if nobody writes any more (each "<remind ms>
--   <due ms> <whom> <due> <policy>" or ""; 44 of an event that closes it: when the client is asked how it was, ms),
--   45 who must still be responsible ("-" anybody, "=name"), 46 it was sent by itself and is no answer 0|1, 47 which
--   rules want nothing of it if the thread bears no labels or "", 48 it would do as a rating 0|1, 49... CRM
--   targets. Labels may be changed by one, too: "+new", "~gone"
-- Returns {"ok"|"dup", client, thread, message, seq, received ms}, {"elsewhere", client},
--   {"merged", thread}, {"missing"}, {"again"} (the new tag was taken: make other ids), {"blocked"},
--   {"writing", agent} or {"answered", agent} (somebody else does so, or has since), {"taken"} (another is responsible),
--   {"erased"}, {"rates"} (he was asked how the talk was: rated.lua says whether this is his answer)
local now, dir, who = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local kind, address, name = ARGV[4], ARGV[5], ARGV[6]
local channel, connector, dedupe = ARGV[11], ARGV[12], ARGV[13]
local shard = string.sub(ARGV[9], -2)
local past, agent, targets = tonumber(ARGV[34]), ARGV[39], 49
local by_itself = ARGV[46] == '1'
local client, thread, is_new, profile

local function make_client()
  local tag = string.sub(ARGV[9], 11, 19)
  if call('HSETNX', P .. 'tags', tag, ARGV[9]) == 0 then return false end
  client, thread, is_new = ARGV[8], ARGV[9], true
  call('SET', P .. 'identity:' .. kind .. ':' .. address, client)
  call('HSET', P .. 'client:' .. client, 'name', name, 'thread', thread, 'created', now,
    'i:' .. kind .. ':' .. address, ARGV[7] .. name)
  if kind == 'user' and ARGV[7] == '1' then call('HSET', P .. 'client:' .. client, 'proven', '1') end
  call('HSET', P .. 'thread:' .. thread, 'client', client, 'cname', name, 'state', past and 'closed' or 'open',
    'created', now, 'channel', channel, 'connector', connector, 'kind', kind, 'address', address)
  return true
end

if who == '' then
  client = call('GET', P .. 'identity:' .. kind .. ':' .. address)
  if not client and not make_client() then return {'again'} end
elseif string.sub(who, 1, 1) == 'c' then
  client = string.sub(who, 2)
else
  thread = string.sub(who, 2)
end
if not thread then
  for _ = 1, 8 do
    if string.sub(client, -2) ~= shard then return {'elsewhere', client} end
    local c = call('HMGET', P .. 'client:' .. client, 'thread', 'merged', 'profile')
    thread, profile = c[1], c[3]
    if not c[2] then break end
    client, thread = c[2], nil
  end
  if not thread then return {'missing'} end
end

local t = get(thread, 'client', 'state', 'assignee', 'merged', 'waiting', 'last_ms', 'channel', 'route',
  'kind', 'address', 'window', 'seq', 'unread', 'cname', 'place', 'labels', 'blocked', 'answered', 'replied', 'sla', 'silence',
  'episode', 'erased', 'asked')
if not t[1] then return {'missing'} end
if t[4] then return {'merged', t[4]} end
if t[23] then return {'erased'} end
client = t[1]
local state, assignee = t[2], t[3] or ''
local log, record = P .. 'log:' .. thread, P .. 'thread:' .. thread
if ARGV[48] == '1' and state == 'closed' and string.match(t[24] or '', '^%d+') == (t[22] or '0') then return {'rates'} end

-- One that he gave up: what comes from there late says nothing of where he is.
local function is_former()
  if kind == t[9] and address == t[10] then return false end
  local known = call('HGET', P .. 'client:' .. client, 'i:' .. kind .. ':' .. address)
  return known and string.sub(known, 1, 1) == '2'
end

if dedupe ~= '' then
  local seq = seen_seq(thread, ARGV[14], dedupe)
  if seq then
    if ARGV[30] == '1' and ARGV[28] ~= '' and not seen_seq(thread, ARGV[14], ARGV[28]) then
      mark_seen(thread, ARGV[14], ARGV[28], seq) -- the same in other words: it may know more of where
      call('HSET', record, 'channel', channel, 'connector', connector, 'kind', kind, 'address', address,
        'route', ARGV[26])
      event(ARGV[23], 't ' .. thread)
    end
    local rec = call('HGET', log, seq) or ''
    local ms = string.match(rec, '\n(%d+)') or '0'
    return {'dup', client, thread, string.sub(rec, 1, 26), tonumber(seq), tonumber(ms)}
  end
end

-- A client who is blocked is heard and kept, but he is nobody's work; and nobody writes to him.
local blocked = t[17] == '1'
if blocked and ARGV[17] == '1' then return {'blocked'} end

-- What was decided for one who is not responsible any more.
if ARGV[45] ~= '-' and string.sub(ARGV[45], 2) ~= assignee then return {'taken'} end

-- Two agents do not answer at once: not while the other one writes, and not what he has answered already.
if ARGV[36] ~= '' then
  local writer = call('GET', P .. 'writer:' .. thread)
  if ARGV[37] ~= '' then
    local by, at = string.match(t[18] or '', '^(%S+) (%d+)$')
    if by and by ~= ARGV[36] and tonumber(at) > tonumber(ARGV[37]) then return {'answered', by} end
    if writer and writer ~= ARGV[36] then return {'writing', writer} end
  end
  if writer == ARGV[36] then call('DEL', P .. 'writer:' .. thread) end
end

local seq = tonumber(t[12] or 0) + 1
local id = string.sub(ARGV[10], 1, 10) .. string.sub(thread, 11, 19) .. string.sub(ARGV[10], 20)
local time = call('TIME')
local stored = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local body = ARGV[15]
local answered = ARGV[27] ~= '' and seen_seq(thread, ARGV[14], ARGV[27])
if answered then
  local other = string.sub(call('HGET', log, answered) or '', 1, 26)
  if other ~= '' then body = with_key(body, 'reply_to', other) end
end
if ARGV[17] == '1' and channel == t[7] then -- where it goes is settled now, not when it is sent
  body = string.sub(body, 1, -2) .. ',"to":{"kind":' .. cjson.encode(t[9] or '') .. ',"address":' ..
    cjson.encode(t[10] or '') .. '}}'
  if (t[8] or '') ~= '' then body = with_key(body, 'route', t[8]) end
end
local after = '\n+' .. string.format('%d', math.max(0, stored - now))
local rec = id .. ' ' .. body .. '\n' .. ARGV[1] .. ' received' .. after .. ' stored'
if ARGV[17] == '1' then
  rec = rec .. after .. ' queued'
elseif dir == 'out' then
  rec = rec .. after .. ' sent' -- by our side, elsewhere
end
call('HSET', log, seq, rec)
if dedupe ~= '' then mark_seen(thread, ARGV[14], dedupe, seq) end
if ARGV[28] ~= '' then mark_seen(thread, ARGV[14], ARGV[28], seq) end

local function change(arg, old)
  if string.sub(arg, 1, 1) ~= '=' then return old end
  return string.sub(arg, 2)
end
local new_assignee = change(ARGV[18], assignee)
local new_state = change(ARGV[19], state)
local function change_labels(arg, old)
  local how, label = string.sub(arg, 1, 1), string.sub(arg, 2)
  if how ~= '+' and how ~= '~' then return change(arg, old) end
  local list = {}
  for _, l in ipairs(labels_of(old)) do
    if l ~= label then list[#list + 1] = l end
  end
  if how == '+' then list[#list + 1] = label end
  return #list > 0 and cjson.encode(list) or '[]'
end
local new_labels = change_labels(ARGV[20], t[16])
if dir == 'in' and not past and not blocked and new_state ~= 'open' then new_state = 'open' end
local fields = {'seq', seq, 'assignee', new_assignee, 'state', new_state}
local function set(k, v) fields[#fields + 1] = k; fields[#fields + 1] = v end
local last_ms = tonumber(t[6] or 0)
if dir ~= 'event' and (not past or past >= last_ms) then
  last_ms = math.max(last_ms, past or now)
  set('last_ms', last_ms); set('last_dir', dir); set('last_text', ARGV[16]); set('last_seq', seq)
elseif last_ms == 0 then
  last_ms = now
  set('last_ms', now)
end
local new_channel = t[7]
if (dir == 'in' and not past and (channel ~= t[7] or (kind ~= '' and not is_former()))) or ARGV[30] == '1' then
  new_channel = channel
  set('channel', channel); set('connector', connector); set('kind', kind); set('address', address)
  if (t[8] or '') ~= ARGV[26] then set('route', ARGV[26]) end
end
local is_named = dir == 'in' and name ~= '' and t[14] == '' -- until now nobody said who it is
if is_named then
  set('cname', name)
  call('HSET', P .. 'client:' .. client, 'name', name)
end
if past or (blocked and dir == 'in') then -- no news for anybody
elseif dir == 'in' then
  set('in_ms', now)
  set('unread', tonumber(t[13] or 0) + 1)
  if not t[5] then
    set('waiting', now)
    call('ZADD', P .. 'waiting', now, thread)
    local which = t[19] and state ~= 'closed' and 'next' or 'first'
    local term = ARGV[which == 'first' and 42 or 43]
    if term ~= '' then set('sla', answer_is_due(thread, which, term)) end
  end
  if state == 'closed' then call('HDEL', record, 'replied') end -- a new matter
elseif t[5] and ((dir == 'out' and not by_itself) or (new_state == 'closed' and state ~= 'closed')) then
  waits_no_more(thread, t[20])
end
if dir == 'out' and not past and not by_itself then
  if t[5] then set('replied', now) end
  if state == 'closed' then set('spoke', seq) end -- he may answer this, and not how the talk was (rated.lua)
  if ARGV[44] ~= '' then
    set('silence', ARGV[44])
    call('ZADD', P .. 'due', string.match(ARGV[44], '^%d+ (%d+)'), 'close ' .. thread)
  elseif t[21] then
    call('HDEL', record, 'silence')
    call('ZREM', P .. 'due', 'close ' .. thread)
  end
elseif dir == 'event' and ARGV[44] ~= '' and new_state == 'closed' and state ~= 'closed' then
  call('ZADD', P .. 'due', ARGV[44], 'ask ' .. thread)
elseif dir == 'event' and new_state == 'open' and state ~= 'open' then
  call('ZREM', P .. 'due', 'close ' .. thread) -- somebody wants it open
end
if is_new or (state == 'closed' and new_state ~= 'closed') then set('episode', seq) end -- since when it is this matter
if ARGV[31] ~= '' or ARGV[32] ~= '' then
  set('window', window_opened(t[11] or '', channel, ARGV[31], ARGV[32], ARGV[33]))
elseif dir == 'out' and not past and t[11] then -- from here, or on the phone
  local answered_free = window_answered(t[11], channel, now)
  if answered_free then set('window', answered_free) end
end
if ARGV[20] ~= '-' then set('labels', new_labels) end
if ARGV[21] ~= '-' then
  set('snooze', string.sub(ARGV[21], 2))
elseif state == 'snoozed' and new_state ~= 'snoozed' then
  set('snooze', '')
  call('ZREM', P .. 'due', 'wake ' .. thread)
end
if ARGV[35] ~= '-' then set('blocked', string.sub(ARGV[35], 2)) end
if dir == 'out' and ARGV[36] ~= '' then set('answered', ARGV[36] .. ' ' .. seq) end
call('HSET', record, unpack(fields))
if ARGV[22] ~= '' then
  local told = with_kept(ARGV[22], profile)
  if told ~= profile then call('HSET', P .. 'client:' .. client, 'profile', told) end
end
place(thread, t[15], state, assignee, new_state, new_assignee, new_channel, new_labels, last_ms)
for agent in string.gmatch(ARGV[38], '%S+') do call('ZADD', P .. 'view:m:' .. agent, last_ms, thread) end
if ARGV[21] ~= '-' and new_state == 'snoozed' then
  call('ZADD', P .. 'due', string.sub(ARGV[21], 2), 'wake ' .. thread)
end

if is_named then event(ARGV[23], 'c ' .. client) end
-- Signs for rules (store_text.h): n a new client, r open again, c closed, a somebody else responsible, l labels; p no news.
-- Of what a client writes, how the thread is besides: u nobody is responsible, f the first matter, b bare of labels,
-- x<number> (then, too) which rules want nothing of it.
local signs = is_new and ' n' or ' '
if new_state == 'closed' and state ~= 'closed' then signs = signs .. 'c' end
if state == 'closed' and new_state == 'open' then signs = signs .. 'r' end
if new_assignee ~= assignee and new_assignee ~= '' then signs = signs .. 'a' end
if ARGV[20] ~= '-' and new_labels ~= (t[16] or '') then signs = signs .. 'l' end
if dir == 'in' then
  if new_assignee == '' then signs = signs .. 'u' end
  if is_new or (t[22] == '1' and not (state == 'closed' and new_state == 'open')) then signs = signs .. 'f' end
  if not new_labels or new_labels == '' or new_labels == '[]' then
    signs = signs .. 'b'
    if ARGV[47] ~= '' then signs = signs .. 'x' .. ARGV[47] end
  end
end
if past or (blocked and dir == 'in') then signs = ' p' end
if signs == ' ' then signs = '' end
event(ARGV[23], 'm ' .. thread .. ' ' .. seq .. ' ' .. dir .. signs .. (ARGV[29] == '1' and ' w' or ''))
if ARGV[17] == '1' then enqueue('out:' .. channel, thread .. ' ' .. seq) end
if ARGV[29] == '1' then enqueue('get:' .. channel, thread .. ' ' .. seq) end
for i = targets, #ARGV do
  if is_named then call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'c ' .. client .. ' 0') end
  call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'm ' .. thread .. ' ' .. seq)
end

-- Reports: counted in the same step, by the day and hour of the company ("report:<yyyymmdd>"; its fields are told in
-- model/report.h). A matter begins when somebody writes to a closed thread; its first answer is one thing, others another.
local function slot_of(ms) -- 16 whole seconds, then eight steps for each doubling
  local s, e = math.floor(math.max(ms, 0) / 1000), 0
  while s >= 16 do s, e = math.floor(s / 2), e + 1 end
  return e == 0 and s or 8 + 8 * e + s - 8
end
local function count_all()
  local hour = string.sub(ARGV[40], 10)
  local of = dir == 'event' and t[7] or channel
  local function tally(...) count_day(ARGV[40], ...) end
  local named = labels_of(t[16])
  if dir == 'in' then
    tally('in', hour, of)
    for _, label in ipairs(named) do tally('in.label', label) end
  elseif dir == 'out' then
    tally('out', hour, of)
    if agent ~= '' then tally('out.agent', agent) end
    if t[5] and not by_itself then
      local what, slot = t[19] and 'next' or 'first', slot_of(now - tonumber(t[5]))
      tally(what, hour, slot)
      tally(what .. '.channel', slot, of)
      if agent ~= '' then tally(what .. '.agent', slot, agent) end
      for _, label in ipairs(named) do tally(what .. '.label', slot, label) end
    end
  elseif new_state == 'closed' and state ~= 'closed' then
    tally('closed', hour, of)
    if agent ~= '' then tally('closed.agent', agent) end
    if t[5] then
      tally('lost', hour, of)
      if agent ~= '' then tally('lost.agent', agent) end
      for _, label in ipairs(named) do tally('lost.label', label) end
    end
  else
    local score, most = string.match(body, '"event":{"type":"rating","score":(%d+),"of":(%d+)[,}]')
    if dir ~= 'event' or most ~= '5' then return end
    tally('rated', hour, score)
    tally('rated.channel', score, of)
    if assignee ~= '' then tally('rated.agent', score, assignee) end
    for _, label in ipairs(named) do tally('rated.label', score, label) end
  end
  counted_day(ARGV[40], ARGV[41])
end
if not past then count_all() end

-- Trim: only what is over the number, old enough and known to every CRM target.
if seq > tonumber(ARGV[24]) and #ARGV >= targets then
  local first = tonumber(get(thread, 'first')[1] or 1)
  for _ = 1, 2 do
    if seq - first < tonumber(ARGV[24]) then break end
    local old = call('HGET', log, first)
    local ms = old and tonumber(string.match(old, '\n(%d+)')) or 0
    local known = now - ms > tonumber(ARGV[25])
    for i = targets, #ARGV do
      known = known and tonumber(get(thread, 'crm:' .. ARGV[i])[1] or 0) >= first
    end
    if not known then break end
    call('HDEL', log, first)
    first = first + 1
  end
  call('HSET', record, 'first', first)
end
return {'ok', client, thread, id, seq, now, is_new and 1 or 0}
