// opencode's part of the room: it has no hook commands of its own, so this plugin tells `agentroom hook opencode` what
// happens, in Claude Code's words, and does what the answer says. Whatever fails lets the agent go on.
import { spawn } from "node:child_process"

const SECONDS = 10

// What answers an event, as a list of words in JSON: set by `agentroom run`; otherwise whatever is on PATH.
function program() {
  try {
    const words = JSON.parse(process.env.AGENTROOM_HOOK || "")
    if (Array.isArray(words) && words.length) return [...words.map(String), "opencode"]
  } catch {}
  return ["agentroom", "hook", "opencode"]
}

function ask(event) {
  return new Promise((resolve) => {
    const [command, ...words] = program()
    let out = ""
    const child = spawn(command, words, { cwd: event.cwd, stdio: ["pipe", "pipe", "ignore"] })
    const timer = setTimeout(() => child.kill(), SECONDS * 1000)
    const finish = () => {
      clearTimeout(timer)
      try {
        resolve(out.trim() ? JSON.parse(out) : {})
      } catch {
        resolve({})
      }
    }
    child.on("error", finish)
    child.on("close", finish)
    child.stdin.on("error", () => {})
    child.stdout.on("data", (data) => (out += data))
    child.stdin.end(JSON.stringify(event))
  })
}

export const agentroom = async ({ directory, client }) => {
  const say = (name, fields) => ask({ hook_event_name: name, cwd: directory, ...fields }).catch(() => ({}))
  const told = (answer) => answer.hookSpecificOutput?.additionalContext || ""
  const calls = new Map() // what each call is about to do, and what was said before it: shown with the tool's output
  const begun = new Map() // the state of the room as each session began
  const below = new Set() // sessions of subagents: when they end, their agent goes on
  const urged = new Set() // sessions that were asked to go on just now

  return {
    "tool.execute.before": async (input, output) => {
      const fields = { session_id: input.sessionID, tool_name: input.tool, tool_input: output.args }
      const answer = await say("PreToolUse", fields)
      if (answer.hookSpecificOutput?.permissionDecision === "deny")
        throw new Error(answer.hookSpecificOutput.permissionDecisionReason)
      calls.set(input.callID, { args: output.args, text: told(answer) })
    },

    "tool.execute.after": async (input, output) => {
      const { args, text: before } = calls.get(input.callID) ?? {}
      calls.delete(input.callID)
      const fields = { session_id: input.sessionID, tool_name: input.tool, tool_input: args }
      const text = [before, told(await say("PostToolUse", fields))].filter(Boolean).join("\n")
      if (!text) return
      // The output of a built-in tool is a text, that of an MCP tool a list of parts.
      if (Array.isArray(output.content)) output.content.push({ type: "text", text })
      else output.output = `${output.output ?? ""}\n\n${text}`
    },

    "experimental.chat.system.transform": async (input, output) => {
      const session = input?.sessionID ?? ""
      if (!begun.has(session)) begun.set(session, told(await say("SessionStart", { session_id: session })))
      if (begun.get(session)) output.system.push(begun.get(session))
    },

    event: async ({ event }) => {
      const properties = event.properties ?? {}
      if (properties.info?.parentID) below.add(properties.info.id)
      const session = properties.sessionID
      // `opencode run` ends with its turn: there, `agentroom run` starts it again.
      if (event.type !== "session.idle" || below.has(session) || process.env.AGENTROOM_HEADLESS) return
      const answer = await say("Stop", { session_id: session, stop_hook_active: urged.delete(session) })
      if (answer.decision !== "block") return
      urged.add(session)
      await client.session
        .promptAsync({ path: { id: session }, body: { parts: [{ type: "text", text: answer.reason }] } })
        .catch(() => {})
    },
  }
}
