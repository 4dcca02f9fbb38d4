using LoraServe.Api.Requests;
using LoraServe.Keys;

namespace LoraServe.Generation;

/// <summary>Whether a request may run: the adapters and the limits of its key, and the size of the queue.</summary>
internal sealed class RequestAdmission(LoraServeOptions options, KeyRateLimits limits)
{
    /// <summary>Counts a request against its key's limits until the allowance is disposed.</summary>
    /// <param name="caller">Whose request it is.</param>
    /// <param name="columns">What it asks for.</param>
    /// <param name="choices">Prompts times n, of all columns.</param>
    /// <exception cref="InvalidRequestException">There are more choices than the queue can ever hold.</exception>
    public KeyAllowance Admit(Caller caller, IReadOnlyList<RequestColumn> columns, long choices)
    {
        // They could never be admitted, however long the client waits.
        if (choices > options.MaxQueuedSeqs)
            throw new InvalidRequestException("prompt", $"expected at most {options.MaxQueuedSeqs} prompts times n, found {choices}");
        foreach (var column in columns) caller.Access.Check(column.Adapter);
        return limits.Admit(caller, choices);
    }

    /// <summary>A request that does not say how much it wants gets no more than its key can reserve.</summary>
    public IReadOnlyList<PreparedColumn> Bound(
        Caller caller, GenerationParameters parameters, IReadOnlyList<PreparedColumn> columns, long choices) =>
        parameters.MostTokens is null && limits.MostUnsaid(caller, choices) is { } most
            ?
            [
                .. columns.Select(column => column with
                {
                    Prompts = [.. column.Prompts.Select(prompt => prompt with { MaxTokens = Math.Min(prompt.MaxTokens, most) })],
                }),
            ]
            : columns;

    /// <summary>
    /// Reserves the tokens that a request may use. A prompt counts once, as in the usage, however many choices continue it.
    /// </summary>
    public TokenWindow.Reservation? Reserve(Caller caller, GenerationParameters parameters, IReadOnlyList<PreparedColumn> columns) =>
        limits.ReserveTokens(
            caller,
            columns.SelectMany(column => column.Prompts).Sum(prompt => prompt.Ids.Count + ((long)parameters.N * prompt.MaxTokens)));
}
