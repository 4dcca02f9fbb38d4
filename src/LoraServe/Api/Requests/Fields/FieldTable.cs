namespace LoraServe.Api.Requests.Fields;

/// <summary>The fields of other servers' requests by route, and what each means here. docs/fields.md shows the same.</summary>
internal static class FieldTable
{
    private static IEnumerable<FieldRule> Conversation =>
    [
        new Unsupported("functions", "the field is called tools", "[]"),
        new Unsupported("function_call", "the field is called tool_choice", "\"none\"", "\"auto\""),
        new Unsupported("audio", GenerationFields.TextOnly),
        new Unsupported("modalities", GenerationFields.TextOnly, "[]", """["text"]"""),
        new Unsupported("prediction", ""),
        new Unsupported("web_search_options", ""),
        new Unsupported("mm_processor_kwargs", GenerationFields.TextOnly, "{}"),
        new Unsupported("media_io_kwargs", GenerationFields.TextOnly, "{}"),
        new Unsupported("reasoning_effort", "templates take such settings from chat_template_kwargs", "\"none\""),
        new Unsupported("verbosity", "", "\"medium\""),
        new Unsupported("tool_prompt", "chat_template writes the tools", "\"\""),
        new Unsupported("guideline", "", "\"\""),
        new Unsupported("thinking_forced_open", "", "false"),
        new Unsupported("parse_tool_calls", "tool_choice none turns calls off", "true"),
    ];

    private static readonly string[] GeneratingFields =
    [
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "n", "seed", "stop", "stream", "stream_options",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "user", "metadata", "store",
    ];

    private static IEnumerable<FieldRule> Later =>
        GeneratingFields.Select(name => new Harmless(name, "belongs to generating, which comes later"));

    /// <summary>POST /v1/completions.</summary>
    public static FieldRules Completions { get; } = new(
    [
        .. GenerationFields.Rules,
        new OtherName("max_completion_tokens", "max_tokens"),
        new OtherName("return_full_text", "echo"),
        new Harmless("metadata", "notes of the client"),
        new Harmless("store", "this server keeps no answer"),
        new Unsupported("messages", "/v1/chat/completions takes conversations", "[]"),
        new Unsupported("tools", "/v1/chat/completions takes tools", "[]"),
    ]);

    /// <summary>POST /v1/chat/completions.</summary>
    public static FieldRules Chat { get; } = new(
        [.. GenerationFields.Rules, .. Conversation, new Unsupported("prompt", "/v1/completions takes a prompt, and a conversation is called messages", "\"\"", "[]")]);

    /// <summary>POST /v1/compare.</summary>
    public static FieldRules Compare { get; } = new([.. GenerationFields.Rules, .. Conversation]);

    /// <summary>POST /tokenize.</summary>
    public static FieldRules Tokenize { get; } = new(
    [
        .. Later,
        new OtherName("content", "prompt"),
        new OtherName("add_special", "add_special_tokens"),
        .. new[] { "adapter", "adapter_id", "adapter_name", "lora_path", "lora_name" }.Select(name => new Unsupported(name, "name the adapter in model", "\"\"")),
        new Unsupported("parse_special", "texts of special tokens are special tokens", "true"),
        new Unsupported("with_pieces", "return_token_strs asks for them", "false"),
        new Unsupported("documents", "", "[]"),
        new Unsupported("tool_choice", "", "\"auto\""),
        new Unsupported("truncate_prompt_tokens", "", "-1"),
        new Unsupported("mm_processor_kwargs", GenerationFields.TextOnly, "{}"),
        new Unsupported("media_io_kwargs", GenerationFields.TextOnly, "{}"),
    ]);

    /// <summary>POST /detokenize.</summary>
    public static FieldRules Detokenize { get; } = new(
        [new Unsupported("skip_special_tokens", "special tokens become their text", "false")]);

    /// <summary>POST /v1/load_lora_adapter.</summary>
    public static FieldRules LoadLoraAdapter { get; } = new(
    [
        new Harmless("lora_int_id", "the name says it all"),
        new Unsupported("pinned", "PATCH /v1/adapters/{name} pins it", "false"),
        new Unsupported("added_tokens_config", "", "{}"),
    ]);

    /// <summary>All rules, by route.</summary>
    public static IReadOnlyList<(string Route, FieldRules Rules)> All { get; } =
    [
        ("/v1/completions", Completions), ("/v1/chat/completions", Chat), ("/v1/compare", Compare), ("/tokenize", Tokenize),
        ("/detokenize", Detokenize), ("/v1/load_lora_adapter", LoadLoraAdapter),
    ];
}
