-- finish.lua: ends deliveries, or puts them off, of one queue and shard; only for the lease's owner.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 lease token, 3 queue ("out:site", "crm:main"), 4 events max, 5 dedupe bucket, 6 dedupe
--   bucket's channel ("" for a CRM), 7 who hears of statuses, then for each: entry id, thread ("" none), seq, word
--   ("sent" "failed" "unknown" "attached" "left_out" "retry" "dropped"), detail (sent: why the channel keeps it
--   back, or ""; attached: the target, and what the CRM calls it if anything; left_out: the target), external id
--   or "", attempts, not before ms (retry), dead 0|1, status event 0|1, prefix of the trail's words ("" "card_"
--   "change_" "rest_" "fetch_"; card_ is for retry and failed only)
-- Returns how many, or "fenced"
-- When Redis is full, a CRM's job still ends (its trail line is given up); a channel's stays queued,
-- since its status must not be lost.
if not is_owner(ARGV[2]) then return 'fenced' end
local now, queue = tonumber(ARGV[1]), ARGV[3]
local stream, retry = P .. queue, P .. 'retry:' .. queue
local is_crm, is_from = string.sub(queue, 1, 4) == 'crm:', string.sub(queue, 1, 5) == 'from:'
local target = is_crm and string.sub(queue, 5)
local write = is_crm and redis.pcall or call
local n = 0
local gone, tried, told, gaps = {}, {}, {}, {} -- of all: a call for each would cost more than what it does
local function forget()
  if #gone > 0 then call('XDEL', stream, unpack(gone)) end
  if #tried > 0 then call('HDEL', retry, unpack(tried)) end
  gone, tried = {}, {}
end
for i = 8, #ARGV, 11 do
  local entry, thread, seq, word, detail = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local log = P .. 'log:' .. thread
  local rec = thread ~= '' and seq ~= '0' and call('HGET', log, seq)
  local line, why, prefix = word, detail, ARGV[i + 10]
  if prefix == 'card_' and (word == 'retry' or word == 'failed') then
    line, why = prefix .. word, target .. ' ' .. detail
  elseif prefix ~= 'card_' then
    line = prefix .. word
  end
  if word == 'sent' then
    why = ARGV[i + 5]
    if rec and detail ~= '' and not has_word(rec, 'sent ' .. why) then -- no status was quicker
      rec = with_trail(rec, now, 'held', detail)
    end
  end
  local is_there = is_crm and (word == 'attached' or word == 'left_out')
  local is_known = rec and is_there and string.find(rec, ' ' .. word .. ' ' .. detail, 1, true) and -- rarely
    last_at_target(rec, target) == word .. ' ' .. detail
  if rec and word ~= 'dropped' and not is_known then
    write('HSET', log, seq, with_trail(rec, now, line, why))
    if word == 'attached' and is_erased(rec) and string.sub(rec, 28, 39) ~= '{"d":"event"' then -- while it was under way
      write('XADD', stream, '*', 'e', 'm ' .. thread .. ' ' .. seq)
    end
    if ARGV[i + 9] == '1' then event(ARGV[4], 's ' .. thread .. ' ' .. seq) end
    if prefix == '' and word ~= 'retry' then tell_status(ARGV[7], rec, thread, seq, word) end
  end
  if word == 'retry' then
    forget() -- who ended before goes also where Redis is too full for this, which must be known:
    -- a try that may have reached the CRM is looked for before the next
    call('HSET', retry, entry, ARGV[i + 6] .. ' ' .. ARGV[i + 7])
  else
    local must_read = ARGV[i + 8] == '1' or is_from or word == 'dropped'
    local left = must_read and call('XRANGE', stream, entry, entry)[1]
    if left then
      forget()
      if ARGV[i + 8] == '1' then bury(queue, left[2][2], detail, ARGV[i + 6], ARGV[1]) end
      if is_from then
        local body, number = P .. 'body:' .. queue, string.match(left[2][2], '(%d+)$')
        call('HINCRBY', body, 'bytes', string.format('%d', -call('HSTRLEN', body, number))) -- never "-0"
        if ARGV[i + 8] ~= '1' then call('HDEL', body, number) end
      end
    end
    if left or not must_read then
      gone[#gone + 1] = entry
      if ARGV[i + 6] ~= '1' then tried[#tried + 1] = entry end
    end
    if ARGV[i + 5] ~= '' then
      mark_seen(thread, ARGV[5], 'c:' .. ARGV[6] .. ':' .. ARGV[i + 5], seq)
    end
    if is_there then
      local key, field = P .. 'thread:' .. thread, queue -- "crm:main"
      if tonumber(call('HGET', key, field) or 0) < tonumber(seq) then write('HSET', key, field, seq) end
      told[#told + 1] = i
      gaps[#gaps + 1], gaps[#gaps + 2] = P .. 'again:' .. target .. ':' .. thread, P .. 'gap:' .. target .. ':' .. thread
    elseif word == 'dropped' and left then
      local _, of = crm_message(queue, left[2][2])
      if of then call('ZREM', P .. 'again:' .. target .. ':' .. of, seq) end
    end
  end
  n = n + 1
end
forget()
if #gaps > 0 and call('EXISTS', unpack(gaps)) > 0 then
  for _, i in ipairs(told) do gap_filled(target, ARGV[i + 1], ARGV[i + 2]) end
end
if not is_crm and call('XLEN', stream) == 0 then
  call('SREM', P .. 'queues', queue)
end
return n
