using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Text.Tests.Tokenizers;

/// <summary>A small tokenizer.json to vary in tests.</summary>
internal static class TokenizerJson
{
    /// <summary>A tokenizer of single characters without any other step.</summary>
    public static JsonObject Of(string characters, params string[] merges)
    {
        string[] tokens = [.. characters.EnumerateRunes().Select(rune => rune.ToString()),
            .. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))];
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = new JsonObject(tokens.Distinct().Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]),
            },
        };
    }

    public static JsonObject With(this JsonObject json, string field, string value)
    {
        json[field] = JsonNode.Parse(value);
        return json;
    }

    public static JsonObject WithModel(this JsonObject json, string field, string value)
    {
        json["model"]![field] = JsonNode.Parse(value);
        return json;
    }

    public static JsonObject WithAdded(this JsonObject json, int id, string content, string options = "{}")
    {
        var token = JsonNode.Parse("""{"single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}""")!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(options)!.AsObject()) token[name] = value!.DeepClone();
        token["id"] = id;
        token["content"] = content;
        json["added_tokens"]!.AsArray().Add(token);
        return json;
    }

    public static Tokenizer Load(this JsonObject json)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.json");
        try
        {
            File.WriteAllText(path, json.ToJsonString());
            return Tokenizer.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static JsonField Field(string json) => new(JsonDocument.Parse(json).RootElement, "field");
}
