-- For wrk: sends the cookies of the file given after `--`, one a line, in turn.
local cookies, at = {}, 0

function init (args)
  for line in io.lines(args[1]) do table.insert(cookies, line) end
end

function request ()
  at = at % #cookies + 1
  return wrk.format(nil, nil, { Cookie = cookies[at] })
end
