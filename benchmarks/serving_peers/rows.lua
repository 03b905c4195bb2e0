-- Posts 4,096 different rows in turn; ROWS holds a body a line.
local bodies = {}
local number = 0
function init()
  for line in io.lines(os.getenv("ROWS")) do
    bodies[#bodies + 1] = wrk.format("POST", os.getenv("TARGET"), {["content-type"] = "application/json"}, line)
  end
end
function request()
  number = number % #bodies + 1
  return bodies[number]
end
