using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Clients;

/// <summary>
/// A checkpoint whose every answer is known, tool calls included: its layers do nothing, the embedding of a token is a unit vector, and the
/// output head maps that onto the token that follows it in a script. So it runs through the whole engine, and the chat template chooses the
/// script by the token that it ends with.
/// </summary>
internal static class ScriptedModel
{
    /// <summary>The name of an adapter that greets in other words.</summary>
    public const string Adapter = "pirate";

    /// <summary>What follows an assistant's turn or a line break.</summary>
    public const string Greeting = "Hello there friend.";

    /// <summary>The same with the adapter.</summary>
    public const string AdapterGreeting = "Ahoy matey!";

    /// <summary>What follows the result of a tool.</summary>
    public const string Forecast = "Sunny in Paris.";

    private const string End = "<|end|>";
    private const string EndlessToken = "<|endless|>";
    private const int Context = 1 << 16;
    private const int HeadDim = 64;
    private const int Hidden = 5 * HeadDim;
    private const int Intermediate = 8;

    // Far enough above zero that every temperature picks it.
    private const float HeadScale = 2;

    // Each piece is a token of its own, so that the one before it says which comes next.
    private static readonly string[][] Scripts =
    [
        ["<|assistant|>", "Hello", " there", " friend.", End],
        ["\n", "Hello"],
        ["<|answer|>", "Sunny", " in Par", "is.", End],
        [
            "<|call|>", "<tool_call>\n", "{\"name\": \"get_", "weather\", ", "\"arguments\": ", "{\"city\": \"", "Paris\", \"da", "ys\": 2}}",
            "\n</tool_call>", End,
        ],
        [EndlessToken, " la", " lo", " la"],
    ];

    private static readonly string[] AdapterScript = ["Ahoy", " matey", "!", End];

    private static readonly string[] SpecialTokens =
        [End, "<|user|>", .. Scripts.Select(script => script[0]).Where(token => token.StartsWith("<|", StringComparison.Ordinal))];

    // The first 256 tokens are bytes.
    private static readonly string[] Tokens =
    [
        .. Enumerable.Range(0, 256).Select(value => ByteLevel((byte)value)),
        .. SpecialTokens,
        .. Scripts.Append(AdapterScript).SelectMany(script => script).Distinct()
            .Where(token => token.Length > 1 && !SpecialTokens.Contains(token)).Select(ByteLevel),
    ];

    private const string ChatTemplate =
        """
        {%- if tools %}{{ tools | tojson }}<tool_call></tool_call>{% endif %}
        {%- for message in messages %}<|user|>{{ message.role }}: {{ message.content }}{% endfor %}
        {%- if messages[-1].role == 'tool' %}<|answer|>
        {%- elif tools %}<|call|>
        {%- elif 'forever' in messages[-1].content %}<|endless|>
        {%- else %}<|assistant|>
        {%- endif -%}
        """;

    /// <summary>Writes the checkpoint, and the adapter beside it.</summary>
    public static (string Model, string Adapters) Write(DirectoryInfo parent)
    {
        var model = parent.CreateSubdirectory("scripted");
        var adapter = parent.CreateSubdirectory("adapters").CreateSubdirectory(Adapter);
        WriteJson(model, "config.json", new
        {
            architectures = (string[])["LlamaForCausalLM"],
            model_type = "llama",
            hidden_act = "silu",
            hidden_size = Hidden,
            intermediate_size = Intermediate,
            num_hidden_layers = 1,
            num_attention_heads = Hidden / HeadDim,
            num_key_value_heads = 1,
            head_dim = HeadDim,
            max_position_embeddings = Context,
            rms_norm_eps = 1e-6,
            rope_theta = 10000.0,
            tie_word_embeddings = false,
            vocab_size = Tokens.Length,
            eos_token_id = Id(End),
            torch_dtype = "float32",
        });
        WriteJson(model, "tokenizer_config.json", new { eos_token = End, chat_template = ChatTemplate });
        WriteJson(model, "tokenizer.json", new
        {
            version = "1.0",
            added_tokens = SpecialTokens.Select(token =>
                new { id = Id(token), content = token, single_word = false, lstrip = false, rstrip = false, normalized = false, special = true }),
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true },
            decoder = new { type = "ByteLevel", add_prefix_space = true, trim_offsets = true, use_regex = true },
            model = new { type = "BPE", vocab = Tokens.Index().ToDictionary(token => token.Item, token => token.Index), merges = (string[])[] },
        });
        WriteTensors(model, "model.safetensors", Weights());
        WriteJson(adapter, "adapter_config.json", new
        {
            peft_type = "LORA",
            task_type = "CAUSAL_LM",
            r = 2,
            lora_alpha = 2,
            target_modules = (string[])["lm_head"],
            bias = "none",
        });
        WriteTensors(adapter, "adapter_model.safetensors", AdapterWeights());
        return (model.FullName, adapter.Parent!.FullName);
    }

    private static Dictionary<string, (int[] Shape, float[] Values)> Weights()
    {
        var embedding = new float[Tokens.Length * Hidden];
        var head = new float[Tokens.Length * Hidden];
        for (var id = 0; id < Tokens.Length; id++)
        {
            embedding[(id * Hidden) + id] = 1;
            head[(Successor(Tokens[id]) * Hidden) + id] = HeadScale;
        }

        const string Layer = "model.layers.0";
        var weights = new Dictionary<string, (int[], float[])>
        {
            ["model.embed_tokens.weight"] = ([Tokens.Length, Hidden], embedding),
            ["lm_head.weight"] = ([Tokens.Length, Hidden], head),
        };
        foreach (var norm in (string[])["model.norm", $"{Layer}.input_layernorm", $"{Layer}.post_attention_layernorm"])
            weights[$"{norm}.weight"] = ([Hidden], [.. Enumerable.Repeat(1f, Hidden)]);
        foreach (var (name, rows, columns) in ((string, int, int)[])
            [
                ("self_attn.q_proj", Hidden, Hidden), ("self_attn.k_proj", HeadDim, Hidden), ("self_attn.v_proj", HeadDim, Hidden),
                ("self_attn.o_proj", Hidden, Hidden), ("mlp.gate_proj", Intermediate, Hidden), ("mlp.up_proj", Intermediate, Hidden),
                ("mlp.down_proj", Hidden, Intermediate),
            ])
        {
            weights[$"{Layer}.{name}.weight"] = ([rows, columns], new float[rows * columns]);
        }

        return weights;
    }

    // From both places where a greeting begins, the adapter leads to its own words.
    private static Dictionary<string, (int[] Shape, float[] Values)> AdapterWeights()
    {
        var a = new float[2 * Hidden];
        var b = new float[Tokens.Length * 2];
        foreach (var (row, token) in ((string[])["<|assistant|>", ByteLevel("\n")]).Index())
        {
            a[(row * Hidden) + Id(token)] = 1;
            b[(Id(AdapterScript[0]) * 2) + row] = 2 * HeadScale;
        }

        return new Dictionary<string, (int[], float[])>
        {
            ["base_model.model.lm_head.lora_A.weight"] = ([2, Hidden], a),
            ["base_model.model.lm_head.lora_B.weight"] = ([Tokens.Length, 2], b),
        };
    }

    private static int Successor(string token) => Scripts.Append(AdapterScript)
        .SelectMany(script => script.Select(Spell).Pairwise())
        .Where(pair => pair.First == token).Select(pair => Id(pair.Second)).DefaultIfEmpty(Id(End)).First();

    private static IEnumerable<(string First, string Second)> Pairwise(this IEnumerable<string> items) => items.Zip(items.Skip(1));

    private static string Spell(string token) => SpecialTokens.Contains(token) ? token : ByteLevel(token);

    private static int Id(string token) => Array.IndexOf(Tokens, token);

    private static string ByteLevel(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(ByteLevel));

    // GPT-2's letters for bytes: printable ones stand for themselves, the others follow from U+0100 on.
    private static string ByteLevel(byte value) => ((char)(IsPrintable(value)
        ? value
        : 256 + Enumerable.Range(0, value).Count(other => !IsPrintable((byte)other)))).ToString();

    private static bool IsPrintable(byte value) => value is (>= (byte)'!' and <= (byte)'~') or (>= 0xa1 and <= 0xac) or >= 0xae;

    private static void WriteJson(DirectoryInfo folder, string name, object content) =>
        File.WriteAllText(Path.Combine(folder.FullName, name), JsonSerializer.Serialize(content));

    private static void WriteTensors(DirectoryInfo folder, string name, Dictionary<string, (int[] Shape, float[] Values)> tensors)
    {
        var (header, offset) = (new Dictionary<string, object>(), 0);
        foreach (var (tensor, (shape, values)) in tensors)
        {
            var end = offset + (values.Length * sizeof(float));
            header[tensor] = new { dtype = "F32", shape, data_offsets = (int[])[offset, end] };
            offset = end;
        }

        using var file = new BinaryWriter(File.Create(Path.Combine(folder.FullName, name)));
        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        file.Write((long)json.Length);
        file.Write(json);
        foreach (var (_, values) in tensors.Values) file.Write(MemoryMarshal.AsBytes<float>(values));
    }
}
