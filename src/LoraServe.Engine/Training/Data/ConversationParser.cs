using System.Runtime.InteropServices;
using System.Text.Json;
using LoraServe.Text.Faults;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Training.Data;

/// <summary>
/// Makes an example of a conversation. The targets are the assistant's turns with weight 1: the text from the generation prompt of a turn to the
/// end of the turn, found by rendering the conversation up to there, which must be a prefix of the whole.
/// </summary>
/// <param name="model">Of the base.</param>
internal sealed class ConversationParser(ModelText model)
{
    // Bytes of messages and characters of text processed for the turns of a line: seconds of work; dialogues of a thousand
    // turns need a hundredth of it.
    private const long MostRendered = 1L << 30;

    // Templates that show the date must give the same tokens whenever a training resumes.
    private static readonly DateTimeOffset Date = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The example of an object with messages.</summary>
    /// <exception cref="ExampleException">The line is not a valid example.</exception>
    /// <exception cref="UnusableTemplateException">The model has no template that can be used.</exception>
    public TrainingExample Parse(JsonElement line, int number)
    {
        ConversationFaults.ThrowIfAny(line);
        var tools = line.TryGetProperty("tools", out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0
            ? list
            : (JsonElement?)null;
        var (template, traits) = Template(tools is not null);
        if (tools is not null && !traits.ShowsTools) throw new ExampleException("tools: the model's chat template has no place for them");

        var messages = line.GetProperty("messages").EnumerateArray().ToList();
        var weights = messages.ConvertAll(IsLearnt);
        if (!weights.Contains(true)) throw new ExampleException("messages: no assistant's turn of weight 1, there is nothing to learn");
        var written = new ChatConversation(traits).Write(Without(messages, "weight")).EnumerateArray().ToList();

        string RenderAll(List<JsonElement> conversation) => Render(template, conversation, tools, asks: false);
        var whole = RenderAll(written);
        CheckSize(whole.Length, weights.Count(isLearnt => isLearnt), JsonMarshal.GetRawUtf8Value(line).Length);
        var turns = new List<(int Message, Range Text)>();
        var faults = new FaultList(found => new ExampleException(found));
        for (var i = 0; i < written.Count; i++)
        {
            if (!weights[i]) continue;
            var (earlier, conversation) = (written.GetRange(0, i), written.GetRange(0, i + 1));
            var (before, after) = (Render(template, earlier, tools, asks: true), i + 1 == written.Count ? whole : RenderAll(conversation));
            if (!whole.StartsWith(before, StringComparison.Ordinal) || !whole.StartsWith(after, StringComparison.Ordinal)
                || after.Length <= before.Length)
            {
                throw new ExampleException(
                    $"messages[{i}]: the chat template writes this turn in another way when it is asked for or when messages follow, so that it "
                    + "cannot be learnt as a part of the whole: give it weight 0, or make it the last message of a line of its own");
            }

            foreach (var fault in new DroppedTargets(conversation, RenderAll).Find(after, after[before.Length..])) faults.Add($"messages[{i}].{fault}");
            turns.Add((i, before.Length..after.Length));
        }

        return faults.Any ? throw new ExampleException(faults.Kept) : Encode(number, whole, turns);
    }

    // Each turn renders everything before it again, and has at least one token.
    private void CheckSize(int characters, int turns, int bytes)
    {
        if (model.IsTooLong(characters) || turns > model.MaxSequenceLength)
        {
            throw new ExampleException(
                $"{characters} characters in which {turns} turns are learnt, too long for {model.MaxSequenceLength} tokens")
            { IsTooLong = true };
        }

        if ((long)turns * ((long)characters + bytes) > MostRendered)
        {
            throw new ExampleException(
                $"messages: {turns} turns to learn in {characters} characters take too long to find: give earlier turns weight 0, or split the dialogue");
        }
    }

    private TrainingExample Encode(int number, string whole, List<(int Message, Range Text)> turns)
    {
        var (tokens, isTarget, at) = (new List<int>(), new List<bool>(), 0);
        var (promptLength, completion) = (0, "");
        foreach (var (message, turn) in turns)
        {
            tokens.AddRange(Ids(whole[at..turn.Start.Value]));
            isTarget.AddRange(Enumerable.Repeat(false, tokens.Count - isTarget.Count));
            var ids = Ids(whole[turn]).ToList();
            // Text after the end-of-turn token is never generated.
            var end = ids.FindIndex(model.EndTokens.Contains);
            if (end < 0 && turn.End.Value == whole.Length)
            {
                end = ids.Count;
                ids.Add(model.EndTokens[0]);
            }

            var learnt = end < 0 ? ids.Count : end + 1;
            (promptLength, completion) = (tokens.Count, model.Tokenizer.Decode([.. ids.Take(end < 0 ? ids.Count : end)]));
            if (string.IsNullOrWhiteSpace(completion))
            {
                throw new ExampleException(
                    $"messages[{message}]: nothing to learn, since the chat template writes no text of this turn before its end: give it content, or "
                    + "weight 0");
            }

            tokens.AddRange(ids);
            isTarget.AddRange(Enumerable.Repeat(true, learnt));
            isTarget.AddRange(Enumerable.Repeat(false, ids.Count - learnt));
            at = turn.End.Value;
        }

        if (promptLength == 0) throw new ExampleException("messages: the chat template writes nothing before the assistant's turn");
        tokens.AddRange(Ids(whole[at..]));
        isTarget.AddRange(Enumerable.Repeat(false, tokens.Count - isTarget.Count));
        int[] all = [.. tokens];
        return new TrainingExample(number, all, isTarget.ToArray())
        {
            Prompt = new ArraySegment<int>(all, 0, promptLength),
            Completion = completion,
        };
    }

    private int[] Ids(string text) => model.Tokenizer.Encode(text, addSpecialTokens: false);

    private (ChatTemplate Template, ChatTemplateTraits Traits) Template(bool hasTools)
    {
        try
        {
            var template = model.Templates.Find(name: null, hasTools);
            return (template, new ChatTemplateTraits(template.Source));
        }
        catch (ChatTemplateException e)
        {
            throw new UnusableTemplateException(e.Message);
        }
    }

    private string Render(ChatTemplate template, List<JsonElement> messages, JsonElement? tools, bool asks)
    {
        try
        {
            return model.Templates.Render(template, new ChatTemplateInput
            {
                Messages = JsonSerializer.SerializeToElement(messages),
                Tools = tools,
                AddGenerationPrompt = asks,
                Now = Date,
            });
        }
        catch (ChatTemplateException e)
        {
            throw new ExampleException($"messages: {e.Message}");
        }
    }

    private static bool IsLearnt(JsonElement message) =>
        message.GetProperty("role").ValueEquals("assistant")
        && !(message.TryGetProperty("weight", out var weight) && weight.ValueKind == JsonValueKind.Number && weight.GetDouble() == 0);

    private static JsonElement Without(List<JsonElement> messages, string field) => JsonSerializer.SerializeToElement(
        messages.ConvertAll(message => message.EnumerateObject().Where(property => property.Name != field)
            .ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal)));
}
