using LoraServe.Api.Chat;
using LoraServe.Api.Chat.Tools;
using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Compare;

/// <summary>Turns the parts of a run into the choices of a comparison.</summary>
/// <param name="request">What was asked for.</param>
/// <param name="tokenizer">Turns ids back into text.</param>
/// <param name="columns">What runs.</param>
/// <param name="toolCalls">The notation of calls of each column; null if none are expected.</param>
internal sealed class CompareChoices(
    CompareRequest request, Tokenizer tokenizer, IReadOnlyList<GenerationColumn> columns, IReadOnlyList<ToolCallFormat?> toolCalls)
{
    private readonly List<ChatChoices> _choices = [.. toolCalls.Select(format => new ChatChoices(request, tokenizer, format))];

    /// <summary>The chunks of a stream for a part, in order.</summary>
    public IEnumerable<CompareChoice> Chunks(ChoicePart part)
    {
        var column = part.Index / request.N;
        foreach (var chunk in _choices[column].Chunks(part))
        {
            // A continuation has no initial role.
            if (request.Prompt is not null && chunk is { Delta.Role: not null, FinishReason: null } && part.Prompt is null) continue;
            yield return new CompareChoice
            {
                Index = chunk.Index,
                Adapter = columns[column].Adapter,
                Text = request.Prompt is null ? null : chunk.Delta.Content ?? "",
                Delta = request.Prompt is null ? chunk.Delta : null,
                Logprobs = chunk.Logprobs,
                FinishReason = chunk.FinishReason,
                StopReason = chunk.StopReason,
                TokenIds = chunk.TokenIds,
                PromptTokenIds = _choices[column].PromptTokenIds(part),
            };
        }
    }

    /// <summary>A whole choice.</summary>
    /// <param name="parts">All of its parts, at least one.</param>
    public CompareChoice Of(IReadOnlyList<ChoicePart> parts)
    {
        var column = parts[0].Index / request.N;
        var choice = _choices[column].Of(parts);
        return new CompareChoice
        {
            Index = choice.Index,
            Adapter = columns[column].Adapter,
            Text = request.Prompt is null ? null : choice.Message.Content,
            Message = request.Prompt is null ? choice.Message : null,
            Logprobs = choice.Logprobs,
            FinishReason = choice.FinishReason,
            StopReason = choice.StopReason,
            TokenIds = choice.TokenIds,
            PromptTokenIds = _choices[column].PromptTokenIds(parts[0]),
            PromptLogprobs = _choices[column].PromptLogprobs(parts[0]),
        };
    }
}
