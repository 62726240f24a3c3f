-- _common.lua: what a script names of this is put before it (link.awk).
-- KEYS[1] is the shard's prefix "sb:{s7}:"; every other key is made from it, so all are in one slot. A log record is
--   "<id> <body json>\n<ms> <word> [detail]\n+<ms after the first> <word> [detail]..."
local P = KEYS[1]
local call = redis.call
local TRAIL_MAX = 2400 -- bytes of a message's trail; the middle of a longer one is left out

local function get(thread, ...)
  return call('HMGET', P .. 'thread:' .. thread, ...)
end

-- Steps that say where a message is: they outlive the shortening of a trail.
local KEPT = ' queued part sent delivered read bounced held released attached left_out missing again '

-- Those of them between two places of a record.
local function kept_lines(rec, from, to)
  local out = ''
  for line, word in string.gmatch(string.sub(rec, from, to), '(\n%+?%d+ ([%l_]+)[^\n]*)') do
    if string.find(KEPT, ' ' .. word .. ' ', 1, true) then out = out .. line end
  end
  return out
end

-- Adds one line to the trail of a record; returns the new record.
local function with_trail(rec, now, word, detail)
  local at = string.find(rec, '\n', 1, true)
  local first = at and tonumber(string.match(rec, '^(%d+)', at + 1)) or now
  local line = '\n+' .. string.format('%d', math.max(0, now - first)) .. ' ' .. word
  if detail and detail ~= '' then line = line .. ' ' .. detail end
  if at and #rec - at + #line > TRAIL_MAX then
    local head = string.match(string.sub(rec, 1, at + 600), '^(.*)\n')
    local cut = string.find(rec, '\n', #rec - 1000, true) or #rec + 1
    if cut > #head + 1 then
      rec = head .. kept_lines(rec, #head + 1, cut - 1) .. '\n+' ..
        string.format('%d', math.max(0, now - first)) .. ' skipped' .. string.sub(rec, cut)
    end
  end
  return rec .. line
end

-- Does the trail have this word (or "word detail")? What stands in another word's detail is none.
local function has_word(rec, word)
  local at = string.find(rec, '\n', 1, true)
  while at do
    local s, e = string.find(rec, ' ' .. word, at, true)
    if not e then return false end
    local after = string.sub(rec, e + 1, e + 1)
    if (after == '' or after == '\n' or after == ' ') and
      string.find(string.sub(rec, s - 20, s - 1), '\n%+?%d+$') then return true end
    at = e
  end
  return false
end

-- Was the message erased, with its client? Only its head is looked at.
local function is_erased(rec)
  if not string.find(rec, ',"erased":true', 28, true) then return false end
  local head = string.sub(rec, 28, 300)
  return string.find(head, '^{"d":"%a+","erased":true') or
    string.find(head, '^{"d":"%a+","ch":"[^"]*","co":"[^"]*","erased":true')
end

-- The last that is known of a message at a CRM's target: "attached <target> ...", "left_out ..." (it does not
-- take such), "missing ..." (it was looked for there in vain), "again ..." (queued once more by hand); or nil.
local AT_TARGET = ' attached left_out missing again '
local function last_at_target(rec, target)
  local last
  for word, detail in string.gmatch(rec, '\n%+?%d+ ([%l_]+) ([^\n]+)') do
    if string.find(AT_TARGET, ' ' .. word .. ' ', 1, true) and
      (detail == target or string.sub(detail, 1, #target + 1) == target .. ' ') then
      last = word .. ' ' .. detail
    end
  end
  return last
end

-- The last step of a delivery, and whether the channel has the message since it was queued.
local STEPS = ' queued sending sent delivered read failed unknown retry bounced '
local function last_step(rec)
  local last, there
  for word in string.gmatch(rec, '\n%+?%d+ (%l+)') do
    if string.find(STEPS, ' ' .. word .. ' ', 1, true) then last = word end
    if word == 'sent' or word == 'delivered' or word == 'read' or word == 'bounced' then
      there = true
    elseif word == 'queued' then
      there = false
    end
  end
  return last, there
end

-- The body begins with its direction and channel, so that scripts need not parse it.
local function is_dir(rec, dir)
  local mark = '{"d":"' .. dir .. '"'
  return string.sub(rec, 28, 27 + #mark) == mark
end

-- The seq that a dedupe key stands for, in this bucket or the one before; or false.
local function seen_seq(thread, bucket, key)
  local seen = P .. 'seen:' .. thread .. ':'
  return call('HGET', seen .. bucket, key) or
    call('HGET', seen .. string.format('%d', tonumber(bucket) - 1), key)
end

local function mark_seen(thread, bucket, key, seq)
  local seen = P .. 'seen:' .. thread .. ':' .. bucket
  if call('HSET', seen, key, seq) == 1 and call('HLEN', seen) == 1 then
    call('PEXPIRE', seen, 1468800000) -- 17 days: this bucket and the next
  end
end

-- The body of a record, and a body with one more key. The value must need no escaping.
local function body_of(rec)
  return string.match(rec, '^[^\n]*', 28)
end

local function with_key(body, key, value)
  return string.sub(body, 1, -2) .. ',"' .. key .. '":"' .. value .. '"}'
end

-- A profile as it is told now, with what is told once only: where the client came from, and what he
-- does not want.
local function with_kept(told, before)
  for _, key in ipairs({'referral', 'marketing'}) do
    local mark = '"' .. key .. '":'
    if before and string.find(before, mark, 1, true) and not string.find(told, mark, 1, true) then
      local ok, old = pcall(cjson.decode, before)
      if ok and old[key] then
        told = string.sub(told, 1, -2) .. (told == '{}' and '' or ',') .. mark .. cjson.encode(old[key]) .. '}'
      end
    end
  end
  return told
end

-- A job in a channel's queue: "out:<channel>" or "get:<channel>". The set "queues" names those that
-- are not empty, so that nobody has to look into all of them.
local function enqueue(queue, entry)
  call('XADD', P .. queue, '*', 'e', entry)
  call('SADD', P .. 'queues', queue)
end

-- What a CRM does not have of a thread's messages: "gap:<target>:<thread>" has its dead letters by their
-- number, "again:<target>:<thread>" the numbers of those that were put back, by the time when. A message is in
-- neither once it is attached: then nothing of it is dead.
local function gap_filled(target, thread, seq)
  local of = target .. ':' .. thread
  if call('EXISTS', P .. 'again:' .. of, P .. 'gap:' .. of) == 0 then return end
  call('ZREM', P .. 'again:' .. of, seq)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'gap:' .. of, seq, seq)) do
    call('XDEL', P .. 'dead', id)
    call('XDEL', P .. 'dead:crm:' .. target, id)
    call('ZREM', P .. 'gap:' .. of, id)
  end
end

local function crm_message(queue, entry)
  local target = string.match(queue, '^crm:(.+)$')
  if not target then return nil end
  local thread, seq = string.match(entry, '^m (%w+) (%d+)$')
  return thread and target, thread, seq
end

-- A delivery is given up: it is in two streams under one id, "dead" has all, "dead:<queue>" those of its queue.
-- Of one message for a CRM the newest letter stays.
local function bury(queue, entry, detail, attempts, at)
  local target, thread, seq = crm_message(queue, entry)
  if target then gap_filled(target, thread, seq) end
  local id = call('XADD', P .. 'dead', '*', 'q', queue, 'e', entry, 'detail', detail, 'attempts', attempts, 'at', at)
  call('XADD', P .. 'dead:' .. queue, id, 'q', queue, 'e', entry, 'detail', detail, 'attempts', attempts, 'at', at)
  if target then call('ZADD', P .. 'gap:' .. target .. ':' .. thread, seq, id) end
end

-- It was put back.
local function unbury(queue, entry, id, now)
  call('XDEL', P .. 'dead', id)
  call('XDEL', P .. 'dead:' .. queue, id)
  local target, thread, seq = crm_message(queue, entry)
  if target then
    call('ZREM', P .. 'gap:' .. target .. ':' .. thread, id)
    call('ZADD', P .. 'again:' .. target .. ':' .. thread, now, seq)
  end
end

-- Until when answers may be sent through a channel, and until when they are free: "<channel> <until ms>
-- <free until ms>" or "<channel> <until ms> ?<answer by ms>/<free for ms>", each ended by ";".
local function window_parts(window, channel)
  local at = string.find(';' .. window, ';' .. channel .. ' ', 1, true)
  if not at then return window, '0', '0' end
  local stop = string.find(window, ';', at, true)
  local ends, free = string.match(string.sub(window, at, stop), ' (%S+) (%S+);$')
  return string.sub(window, 1, at - 1) .. string.sub(window, stop + 1), ends, free
end

local function window_opened(window, channel, ends, answer_by, free_for)
  local rest, old, free = window_parts(window, channel)
  if ends == '' or tonumber(old) > tonumber(ends) then ends = old end
  if answer_by ~= '' then free = '?' .. answer_by .. '/' .. free_for end
  return rest .. channel .. ' ' .. ends .. ' ' .. free .. ';'
end

-- An answer goes out: what was offered for it becomes free. Nil when nothing was.
local function window_answered(window, channel, now)
  local rest, ends, free = window_parts(window, channel)
  local by, ms = string.match(free, '^%?(%d+)/(%d+)$')
  if not by then return nil end
  free = now <= tonumber(by) and string.format('%d', now + tonumber(ms)) or '0'
  return rest .. channel .. ' ' .. ends .. ' ' .. free .. ';'
end

local function event(max, what)
  call('XADD', P .. 'events', 'MAXLEN', '~', max, '*', 'e', what)
end

-- Which views show a thread in this state: its names without prefix.
local function views_of(state, assignee)
  if state == 'open' then
    if assignee and assignee ~= '' then return {'all', 'open', 'a:' .. assignee} end
    return {'all', 'open', 'unassigned'}
  end
  return {'all', state}
end

-- The labels of a thread, each once.
local function labels_of(json)
  local ok, list = false, nil
  if json and json ~= '' and json ~= '[]' then ok, list = pcall(cjson.decode, json) end
  local out, seen = {}, {}
  for _, l in ipairs(ok and type(list) == 'table' and list or {}) do
    if type(l) == 'string' and l ~= '' and not seen[l] then
      seen[l] = true
      out[#out + 1] = l
    end
  end
  return out
end

-- "n" counts threads by "<state> <assignee|*> <channel|*> <label or nothing>": so each question that is made of
-- these four is one field, at any size. "labels" has how many threads have each label, in any state.
local function count(state, assignee, channel, labels, by)
  for _, a in ipairs({assignee, '*'}) do
    for _, c in ipairs({channel, '*'}) do
      for i = 0, #labels do
        local f = state .. ' ' .. a .. ' ' .. c .. ' ' .. (labels[i] or '')
        if call('HINCRBY', P .. 'n', f, by) <= 0 then call('HDEL', P .. 'n', f) end
      end
    end
  end
  for _, l in ipairs(labels) do
    if tonumber(call('ZINCRBY', P .. 'labels', by, l)) <= 0 then call('ZREM', P .. 'labels', l) end
  end
end

-- Takes a thread out of all lists and counts. was: where it is ("place": state, assignee, channel and labels, a line
-- each); a thread that was last written before there were counts has none, and is in plain views alone.
local function unplace(thread, was, state, assignee)
  if not was or was == '' then
    for _, v in ipairs(views_of(state, assignee)) do call('ZREM', P .. 'view:' .. v, thread) end
    return
  end
  local s, a, c, json = string.match(was, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  local labels = labels_of(json)
  for _, v in ipairs(views_of(s, a)) do call('ZREM', P .. 'view:' .. v, thread) end
  for _, l in ipairs(labels) do
    call('ZREM', P .. 'view:l:all:' .. l, thread)
    call('ZREM', P .. 'view:l:' .. s .. ':' .. l, thread)
  end
  count(s, a, c, labels, -1)
  call('HDEL', P .. 'thread:' .. thread, 'place')
end

-- Lists a thread where it belongs now, by its last activity; was, old_state and old_assignee: what unplace() wants.
local function place(thread, was, old_state, old_assignee, state, assignee, channel, json, score)
  local now = state .. '\n' .. assignee .. '\n' .. (channel or '') .. '\n' .. (json or '')
  local labels = labels_of(json)
  if now ~= was then
    unplace(thread, was, old_state, old_assignee)
    count(state, assignee, channel or '', labels, 1)
    call('HSET', P .. 'thread:' .. thread, 'place', now)
  end
  for _, v in ipairs(views_of(state, assignee)) do call('ZADD', P .. 'view:' .. v, score, thread) end
  for _, l in ipairs(labels) do
    call('ZADD', P .. 'view:l:all:' .. l, score, thread)
    call('ZADD', P .. 'view:l:' .. state .. ':' .. l, score, thread)
  end
end

-- Somebody waits for an answer, and it is due: "sla" of the thread is "<first|next> <0 set, 1 reminded of, 2 late>
-- <remind ms> <due ms> <a|l|n: what supervisors hear of> <due> <policy's JSON>", and "due" has "sla <thread>".
local function answer_is_due(thread, kind, term)
  call('ZADD', P .. 'due', string.match(term, '^%d+'), 'sla ' .. thread)
  return kind .. ' 0 ' .. term
end

-- The same, as a field "sla" has it.
local function answer_is_due_again(thread, sla)
  local step, remind, due = string.match(sla, '^%l+ (%d) (%d+) (%d+) ')
  call('HSET', P .. 'thread:' .. thread, 'sla', sla)
  if step ~= '2' then call('ZADD', P .. 'due', step == '0' and remind or due, 'sla ' .. thread) end
end

-- Nobody waits for an answer in this thread any more. "waiting": the threads of those who do, by since when.
local function waits_no_more(thread, sla)
  call('HDEL', P .. 'thread:' .. thread, 'waiting', 'sla')
  call('ZREM', P .. 'waiting', thread)
  if sla then call('ZREM', P .. 'due', 'sla ' .. thread) end
end

-- What became of a message of ours is news for CRMs that want to hear of it, and for the one in which
-- it was written (the body then begins with that). who: "<target>=<a|f|-> ...", all, failures, no others.
local FAILED = ' failed unknown bounced '
local function tell_status(who, rec, thread, seq, word)
  if who == '' or not is_dir(rec, 'out') then return end
  local origin = string.match(string.sub(rec, 28, 400), '"origin":{"target":"([^"]+)"')
  if not origin and not string.find(who, '=[af]') then return end
  local was_bad = string.find(FAILED, ' ' .. word .. ' ', 1, true) or has_word(rec, 'failed') or
    has_word(rec, 'unknown') or has_word(rec, 'bounced')
  for target, what in string.gmatch(who, '(%S+)=(%S)') do
    if target == origin or what == 'a' or (what == 'f' and was_bad) then
      call('XADD', P .. 'crm:' .. target, '*', 'e', 'm ' .. thread .. ' ' .. seq .. ' status')
    end
  end
end

-- Reports: one more of this on that day of the company, "yyyymmdd hh" (model/report.h); and, once for each entry that
-- was counted, how many they are: by that other workers know that the day is not as it was.
local function count_day(stamp, ...)
  return call('HINCRBY', P .. 'report:' .. string.sub(stamp, 1, 8), table.concat({...}, ' '), 1)
end

local function counted_day(stamp, keep_s)
  if count_day(stamp, 'total') == 1 then call('EXPIRE', P .. 'report:' .. string.sub(stamp, 1, 8), keep_s) end
end

-- The lease of this shard must be the caller's still: "<owner>:<fencing number>".
local function is_owner(token)
  return call('GET', P .. 'lease') == token
end

-- One more entry of a thread, told to screens and to the CRMs (ARGV from `targets` on): what: "event" or "out", and signs
-- for rules (append.lua). id: whose time and random part it gets. Returns its own.
local function add_entry(thread, seq, id, body, now, what, events_max, targets)
  id = string.sub(id, 1, 10) .. string.sub(thread, 11, 19) .. string.sub(id, 20)
  local after = string.sub(what, 1, 3) == 'out' and '\n+0 queued' or ''
  call('HSET', P .. 'log:' .. thread, seq, id .. ' ' .. body .. '\n' .. now .. ' received\n+0 stored' .. after)
  call('HSET', P .. 'thread:' .. thread, 'seq', seq)
  event(events_max, 'm ' .. thread .. ' ' .. seq .. ' ' .. what)
  for i = targets, #ARGV do call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'm ' .. thread .. ' ' .. seq) end
  return id
end

-- A message of ours that nobody wrote, to where answers go (to: kind, address and route of the thread): an entry, and
-- in the channel's queue.
local function say(thread, seq, id, body, now, channel, to, events_max, targets)
  body = string.sub(body, 1, -2) .. ',"to":{"kind":' .. cjson.encode(to[1] or '') .. ',"address":' ..
    cjson.encode(to[2] or '') .. '}}'
  if (to[3] or '') ~= '' then body = with_key(body, 'route', to[3]) end
  add_entry(thread, seq, id, body, now, 'out', events_max, targets)
  enqueue('out:' .. channel, thread .. ' ' .. seq)
end
