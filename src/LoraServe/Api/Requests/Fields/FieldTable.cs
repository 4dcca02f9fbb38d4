namespace LoraServe.Api.Requests.Fields;

/// <summary>The fields of other servers' requests, and what each means here. docs/fields.md shows the same.</summary>
internal static class FieldTable
{
    private const string Adapter = "adapter";
    private const string Constraint = "this server cannot force a model to keep to a form";
    private const string TextOnly = "this server reads text only";
    private const string NoOtherOutput = "this server does not return it";

    private static IEnumerable<FieldRule> Generation =>
    [
        // The adapter.
        new OtherName("lora_path", Adapter),
        new OtherName("lora_name", Adapter),
        new OtherName("lora_adapter", Adapter),
        new OtherName("lora_adapter_name", Adapter),
        new OtherName("adapter_name", Adapter),
        new Unsupported("lora", "name the adapter in adapter, or several with weights in adapters", "[]"),
        new Unsupported("lora_request", "name the adapter in adapter"),
        new Unsupported("adapter_source", "upload the adapter, then name it in adapter", "\"\"", "\"local\""),
        new Unsupported("adapter_parameters", "give names and weights in adapters", "{}"),
        new Unsupported("merged_adapters", "give names and weights in adapters", "{}"),

        // How tokens are chosen.
        new OtherName("max_new_tokens", "max_tokens"),
        new OtherName("max_output_tokens", "max_tokens"),
        new OtherName("max_tokens_to_sample", "max_tokens"),
        new OtherName("n_predict", "max_tokens"),
        new OtherName("num_predict", "max_tokens"),
        new OtherName("min_new_tokens", "min_tokens"),
        new OtherName("stop_sequences", "stop"),
        new OtherName("stop_strings", "stop"),
        new OtherName("no_stop_trim", "include_stop_str_in_output"),
        new OtherName("ignore_eos_token", "ignore_eos"),
        new OtherName("repeat_penalty", "repetition_penalty"),
        new OtherName("random_seed", "seed"),
        new OtherName("n_cmpl", "n"),
        new OtherName("num_return_sequences", "n"),
        new OtherName("truncate", "truncate_prompt_tokens"),
        new OtherName("extra_key", "cache_salt"),
        new Unsupported("do_sample", "temperature 0 always takes the most probable token", "true"),
        new Unsupported("use_beam_search", "", "false"),
        new Unsupported("length_penalty", "", "1"),
        new Unsupported("early_stopping", "", "false"),
        new Unsupported("typical_p", "", "1"),
        new Unsupported("tfs_z", "", "1"),
        new Unsupported("top_n_sigma", "", "-1"),
        new Unsupported("min_keep", "", "0"),
        new Unsupported("dynatemp_range", "", "0"),
        new Harmless("dynatemp_exponent", "counts only with dynatemp_range"),
        new Unsupported("mirostat", "", "0"),
        new Harmless("mirostat_tau", "counts only with mirostat"),
        new Harmless("mirostat_eta", "counts only with mirostat"),
        new Unsupported("xtc_probability", "", "0"),
        new Harmless("xtc_threshold", "counts only with xtc_probability"),
        new Unsupported("dry_multiplier", "", "0"),
        new Harmless("dry_base", "counts only with dry_multiplier"),
        new Harmless("dry_allowed_length", "counts only with dry_multiplier"),
        new Harmless("dry_penalty_last_n", "counts only with dry_multiplier"),
        new Harmless("dry_sequence_breakers", "counts only with dry_multiplier"),
        new Unsupported("repeat_last_n", "penalties look at the whole text", "-1"),
        new Unsupported("penalize_nl", "", "false"),
        new Unsupported("samplers", "", "[]"),
        new Unsupported("allowed_token_ids", "logit_bias can rule tokens out", "[]"),
        new Unsupported("bad_words", "logit_bias can rule tokens out", "[]"),
        new Unsupported("logits_processors", "", "[]"),
        new Unsupported("custom_logit_processor", "", "\"\""),
        new Unsupported("custom_params", "", "{}"),
        new Unsupported("watermark", "", "false"),
        new Unsupported("stop_regex", "give texts in stop", "\"\"", "[]"),
        new Unsupported("t_max_predict_ms", "", "0", "-1"),
        new Unsupported("n_indent", "", "0"),
        new Unsupported("thinking_token_budget", ""),
        new Unsupported("reasoning_budget", "", "-1"),

        // A form that the answer must have.
        new Unsupported("response_format", Constraint, """{"type": "text"}"""),
        new Unsupported("structured_outputs", Constraint, "{}"),
        new Unsupported("guided_json", Constraint),
        new Unsupported("guided_json_object", Constraint, "false"),
        new Unsupported("guided_regex", Constraint, "\"\""),
        new Unsupported("guided_choice", Constraint, "[]"),
        new Unsupported("guided_grammar", Constraint, "\"\""),
        new Harmless("guided_decoding_backend", "counts only with another guided field"),
        new Harmless("guided_whitespace_pattern", "counts only with guided_json"),
        new Unsupported("structural_tag", Constraint, "\"\""),
        new Unsupported("regex", Constraint, "\"\""),
        new Unsupported("ebnf", Constraint, "\"\""),
        new Unsupported("grammar", Constraint, "\"\""),
        new Unsupported("grammar_lazy", Constraint, "false"),
        new Unsupported("grammar_triggers", Constraint, "[]"),
        new Unsupported("json_schema", Constraint),
        new Unsupported("schema", Constraint),
        new Unsupported("format", Constraint, "\"\""),

        // What else the answer should say.
        new Unsupported("n_probs", "logprobs asks for alternatives", "0"),
        new Unsupported("top_n_tokens", "logprobs asks for alternatives", "0"),
        new Unsupported("return_k_alternatives", "logprobs asks for alternatives", "0"),
        new Unsupported("details", "logprobs and return_token_ids ask for details", "false"),
        new Unsupported("decoder_input_details", "prompt_logprobs asks for them", "false"),
        new Unsupported("return_tokens", "return_token_ids asks for them", "false"),
        new Unsupported("return_tokens_as_token_ids", "return_token_ids asks for them", "false"),
        new Unsupported("return_hidden_states", NoOtherOutput, "false"),
        new Unsupported("return_routed_experts", NoOtherOutput, "false"),
        new Unsupported("return_progress", NoOtherOutput, "false"),
        new Unsupported("timings_per_token", NoOtherOutput, "false"),
        new Unsupported("post_sampling_probs", NoOtherOutput, "false"),
        new Unsupported("response_fields", NoOtherOutput, "[]"),
        new Unsupported("logprob_token_ids", NoOtherOutput, "[]"),
        new Unsupported("spaces_between_special_tokens", "texts of tokens stand as they are", "true"),
        new Unsupported("detokenize", "return_token_ids gives the ids beside the text", "true"),
        new Unsupported("include_reasoning", "thoughts stay in the text", "true"),
        new Harmless("separate_reasoning", "this server separates no thoughts"),
        new Harmless("stream_reasoning", "this server separates no thoughts"),
        new Unsupported("reasoning_format", "thoughts stay in the text", "\"none\"", "\"auto\""),
        new Unsupported("think", "templates take such settings from chat_template_kwargs", "false"),
        new Unsupported("stream_options.continuous_usage_stats", "the usage comes once, with include_usage", "false"),
        new Harmless("stream_options.include_obfuscation", "pads events against observers of the line"),

        // What else the prompt should be.
        new Unsupported("suffix", "", "\"\""),
        new Unsupported("inputs", "the text is called prompt, a conversation messages"),
        new Unsupported("input_ids", "token ids stand in prompt", "[]"),
        new Unsupported("input_embeds", TextOnly, "[]"),
        new Unsupported("prompt_embeds", TextOnly, "[]"),
        new Unsupported("multimodal_data", TextOnly, "[]"),
        new Unsupported("image_data", TextOnly, "[]"),
        new Unsupported("video_data", TextOnly, "[]"),
        new Unsupported("audio_data", TextOnly, "[]"),
        new Unsupported("images", TextOnly, "[]"),
        new Unsupported("parameters", "they stand beside the prompt", "{}"),
        new Unsupported("options", "they stand beside the prompt", "{}"),
        new Unsupported("context", "", "[]"),
        new Unsupported("num_ctx", "the server's --max-model-len sets it"),
        new Unsupported("system", "it is a message of its own", "\"\""),
        new Unsupported("template", "chat_template gives one", "\"\""),
        new Unsupported("raw", "/v1/completions takes a prompt as it is", "false"),
        new Unsupported("apply_chat_template", "/v1/chat/completions does", "false"),
        new Unsupported("session_params", "", "{}"),
        new Unsupported("kv_transfer_params", "", "{}"),
        new Unsupported("vllm_xargs", "", "{}"),
        new Unsupported("bootstrap_host", ""),
        new Unsupported("bootstrap_port", ""),
        new Unsupported("bootstrap_room", ""),

        // Notes of the client, and how a server carries a request out.
        new Harmless("service_tier", "there is one tier"),
        new Harmless("safety_identifier", "notes of the client"),
        new Harmless("prompt_cache_key", "beginnings of prompts are found by their content"),
        new Harmless("prompt_cache_retention", "beginnings of prompts stay as long as there is memory"),
        new Harmless("request_id", "the header x-request-id names a request"),
        new Harmless("rid", "the header x-request-id names a request"),
        new Harmless("priority", "the queue is fair by key and adapter"),
        new Harmless("api_token", "no adapter is fetched from a hub"),
        new Harmless("log_metrics", "all requests are measured alike"),
        new Harmless("data_parallel_rank", "there is one engine"),
        new Harmless("routed_dp_rank", "there is one engine"),
        new Harmless("keep_alive", "the model stays in memory"),
        new Harmless("cache_prompt", "cached prompts give the same answer"),
        new Harmless("id_slot", "there are no slots"),
        new Harmless("n_keep", "no text is pushed out of the context"),
        new Harmless("n_cache_reuse", "cached prompts give the same answer"),
        new Harmless("speculative.n_max", "speculation gives the same answer"),
        new Harmless("speculative.n_min", "speculation gives the same answer"),
        new Harmless("speculative.p_min", "speculation gives the same answer"),
    ];

    private static IEnumerable<FieldRule> Conversation =>
    [
        new Unsupported("functions", "the field is called tools", "[]"),
        new Unsupported("function_call", "the field is called tool_choice", "\"none\"", "\"auto\""),
        new Unsupported("audio", TextOnly),
        new Unsupported("modalities", TextOnly, "[]", """["text"]"""),
        new Unsupported("prediction", ""),
        new Unsupported("web_search_options", ""),
        new Unsupported("mm_processor_kwargs", TextOnly, "{}"),
        new Unsupported("media_io_kwargs", TextOnly, "{}"),
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
        .. Generation,
        new OtherName("max_completion_tokens", "max_tokens"),
        new OtherName("return_full_text", "echo"),
        new Harmless("metadata", "notes of the client"),
        new Harmless("store", "this server keeps no answer"),
        new Unsupported("messages", "/v1/chat/completions takes conversations", "[]"),
        new Unsupported("tools", "/v1/chat/completions takes tools", "[]"),
    ]);

    /// <summary>POST /v1/chat/completions.</summary>
    public static FieldRules Chat { get; } = new(
        [.. Generation, .. Conversation, new Unsupported("prompt", "/v1/completions takes a prompt, and a conversation is called messages", "\"\"", "[]")]);

    /// <summary>POST /v1/compare.</summary>
    public static FieldRules Compare { get; } = new([.. Generation, .. Conversation]);

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
        new Unsupported("mm_processor_kwargs", TextOnly, "{}"),
        new Unsupported("media_io_kwargs", TextOnly, "{}"),
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

    /// <summary>All of them, by route.</summary>
    public static IReadOnlyList<(string Route, FieldRules Rules)> All { get; } =
    [
        ("/v1/completions", Completions), ("/v1/chat/completions", Chat), ("/v1/compare", Compare), ("/tokenize", Tokenize),
        ("/detokenize", Detokenize), ("/v1/load_lora_adapter", LoadLoraAdapter),
    ];
}
