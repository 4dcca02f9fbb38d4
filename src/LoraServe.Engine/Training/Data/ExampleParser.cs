using System.Text.Json;
using System.Text.Unicode;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>Makes an example of a line: {"prompt", "completion"} or {"messages", "tools"?}.</summary>
/// <param name="model">Of the base.</param>
internal sealed class ExampleParser(ModelText model)
{
    private const string HalfPair = "a text is not valid Unicode: half of a surrogate pair";

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    private static readonly string[] CompletionFields = ["prompt", "completion"];
    private static readonly string[] ConversationFields = ["messages", "tools", "parallel_tool_calls"];

    private readonly ConversationParser _conversations = new(model);

    /// <summary>The example of a line.</summary>
    /// <exception cref="ExampleException">The line is not a valid example.</exception>
    /// <exception cref="UnusableTemplateException">The model cannot be trained on conversations.</exception>
    public TrainingExample Parse(JsonLine line)
    {
        if (line.IsTooLong) throw new ExampleException($"more than {JsonLines.MostLineBytes} bytes: no example is that long");
        if (!Utf8.IsValid(line.Bytes.Span)) throw new ExampleException("not UTF-8: save the file as UTF-8");
        using var document = Document(line);
        if (UnicodeText.FirstInvalid(document.RootElement) is not null) throw new ExampleException(HalfPair);
        return Checked(Parse(document.RootElement, line.Number));
    }

    private static JsonDocument Document(JsonLine line)
    {
        try
        {
            return JsonDocument.Parse(line.Bytes, Options);
        }
        catch (JsonException e)
        {
            // Its own position counts from 0, and lines from the start of this one.
            var reason = e.Message.Split(" LineNumber:", 2)[0];
            throw new ExampleException($"not JSON: {reason} (byte {e.BytePositionInLine + 1})");
        }
        catch (InvalidOperationException)
        {
            // A property name, compared with the others.
            throw new ExampleException(HalfPair);
        }
    }

    private TrainingExample Parse(JsonElement line, int number)
    {
        if (line.ValueKind == JsonValueKind.Array)
            throw new ExampleException("expected an object, found a list: write one example a line, without [ ] and commas around them");
        if (line.ValueKind != JsonValueKind.Object) throw new ExampleException($"expected an object, found a {line.ValueKind}");
        var names = line.EnumerateObject().Select(field => field.Name).ToList();
        var (isCompletion, isConversation) = (names.Exists(CompletionFields.Contains), names.Contains("messages"));
        if (isCompletion == isConversation)
        {
            var found = names.Count == 0 ? "nothing" : string.Join(", ", names.Take(10).Select(FaultText.Shorten));
            throw new ExampleException($"expected either prompt and completion or messages, found {found}");
        }

        var known = isConversation ? ConversationFields : CompletionFields;
        var unknown = names.Where(name => !known.Contains(name)).ToList();
        if (unknown.Count > 0)
        {
            throw new ExampleException([.. unknown.Take(10).Select(name =>
                $"{FaultText.Shorten(name)}: an unknown field; expected {string.Join(", ", known)}")]);
        }

        return isConversation ? _conversations.Parse(line, number) : Completion(line, number);
    }

    private TrainingExample Completion(JsonElement line, int number)
    {
        var faults = new FaultList(found => new ExampleException(found));
        var prompt = Text(line, "prompt", faults);
        var completion = Text(line, "completion", faults);
        if (completion is "") faults.Add("completion: empty, there is nothing to learn");
        faults.ThrowIfAny();
        if (model.IsTooLong((long)prompt!.Length + completion!.Length)) throw TooLong($"{prompt.Length + completion.Length} characters");

        var promptIds = model.Tokenizer.Encode(prompt);
        if (promptIds.Length == 0)
            throw new ExampleException("prompt: no tokens, and the model needs one to begin with: use the text of a special token if there is none");
        var ids = model.Tokenizer.Encode(completion, addSpecialTokens: false);
        if (ids.Length == 0) throw new ExampleException("completion: no tokens, there is nothing to learn");
        var isEnded = model.EndTokens.Contains(ids[^1]);
        if (isEnded && ids.Length == 1) throw new ExampleException("completion: nothing but the token that ends it, there is nothing to learn");
        int[] tokens = isEnded ? [.. promptIds, .. ids] : [.. promptIds, .. ids, model.EndTokens[0]];
        var isTarget = new bool[tokens.Length];
        Array.Fill(isTarget, true, promptIds.Length, tokens.Length - promptIds.Length);
        return new TrainingExample(number, tokens, isTarget)
        {
            Prompt = new ArraySegment<int>(tokens, 0, promptIds.Length),
            Completion = isEnded ? model.Tokenizer.Decode(ids.AsSpan(0, ids.Length - 1)) : completion,
        };
    }

    private TrainingExample Checked(TrainingExample example)
    {
        if (example.Tokens.Count > model.MaxSequenceLength) throw TooLong($"{example.Tokens.Count} tokens");
        foreach (var token in example.Tokens)
        {
            if (token >= model.VocabularySize)
                throw new ExampleException($"token {token} is not in the model's vocabulary of {model.VocabularySize}");
        }

        return example;
    }

    private ExampleException TooLong(string found) =>
        new($"{found}, at most {model.MaxSequenceLength} tokens are allowed (max_sequence_length): shorten the example, allow more if the model "
            + "can, or leave such examples out (skip_too_long)")
        {
            IsTooLong = true,
        };

    private static string? Text(JsonElement line, string name, FaultList faults)
    {
        if (line.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String) return value.GetString();
        faults.Add($"{name}: expected a text, found {(value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.ValueKind)}");
        return null;
    }
}
