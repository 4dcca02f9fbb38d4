namespace LoraServe.Tests.Clients;

/// <summary>Which clients there are, and what each can do. What is missing of one is something that it has no way to ask for.</summary>
internal static class ClientCases
{
    public const string DotNet = "OpenAI .NET";
    public const string ExtensionsAI = "Microsoft.Extensions.AI";
    public const string OpenAI = "openai";
    public const string LangChain = "langchain";
    public const string AiSdk = "ai-sdk";
    public const string Curl = "curl";

    private static readonly string[] Kinds = ["completion", "chat"];

    private static readonly string[] OfBothKinds =
    [
        "", "_stream", "_stream_usage", "_stop", "_logprobs", "_adapter_by_model", "_adapter_by_query", "_adapter_by_body",
        "_adapter_conflict", "_adapter_unknown", "_context_too_long", "_bad_request", "_cancel", "_retry_429",
    ];

    private static readonly string[] All =
    [
        .. Kinds.SelectMany(kind => OfBothKinds.Select(name => kind + name)), "chat_tools", "chat_tools_stream", "chat_tools_result", "models",
    ];

    // What the libraries have no way to ask for.
    private static readonly Dictionary<string, string[]> Missing = new()
    {
        // Its methods for the older completions are gone.
        [DotNet] = [.. All.Where(name => name.StartsWith("completion", StringComparison.Ordinal))],
        [ExtensionsAI] = [.. All.Where(name => name.StartsWith("completion", StringComparison.Ordinal)), "chat_logprobs", "models"],
        [OpenAI] = [],
        [LangChain] = ["completion_stream_usage", "completion_logprobs", "models"],
        [AiSdk] = ["completion_logprobs", "chat_logprobs", "completion_cancel", "models"],
        [Curl] = [],
    };

    /// <summary>Every case of every client.</summary>
    public static IEnumerable<(string Client, string Name)> Every =>
        Missing.SelectMany(client => All.Except(client.Value).Select(name => (client.Key, name)));

    /// <summary>The names of the clients.</summary>
    public static IEnumerable<string> Clients => Missing.Keys;
}
