namespace LoraServe.Api.Chat.Tools;

/// <summary>The notation in which a model writes tool calls into its text.</summary>
internal enum ToolCallFormat
{
    /// <summary><c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>: Hermes, Qwen.</summary>
    Hermes,

    /// <summary><c>{"name": …, "parameters": {…}}</c>, also after <c>&lt;|python_tag|&gt;</c>, several between semicolons: Llama 3.</summary>
    Llama3Json,

    /// <summary><c>[TOOL_CALLS][{"name": …, "arguments": {…}}]</c>, or <c>[TOOL_CALLS]name[ARGS]{…}</c>: Mistral.</summary>
    Mistral,
}
