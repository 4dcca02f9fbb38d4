using System.Threading.Channels;

namespace LoraServe.Generation;

/// <summary>
/// The running choices of one request, to be read as one stream of parts or as the parts of each choice. Disposing it cancels those that
/// still run, and settles the request's account.
/// </summary>
internal sealed class GenerationRun : IDisposable
{
    // A client that reads slowly holds back its own request; the engine never waits for it.
    private const int PartsAhead = 64;

    private readonly RequestAccount _account;
    private int _disposed;

    /// <param name="account">Settled when all sequences have ended.</param>
    /// <param name="columns">At least one; disposed with the run.</param>
    public GenerationRun(RequestAccount account, IReadOnlyList<GenerationColumn> columns)
    {
        (_account, Columns) = (account, columns);
        Choices = [.. columns.SelectMany(column => column.Choices)];
    }

    /// <summary>See <see cref="RequestAccount.Operation"/>.</summary>
    public string Operation => _account.Operation;

    /// <summary>One for each adapter.</summary>
    public IReadOnlyList<GenerationColumn> Columns { get; }

    /// <summary>The choices of all columns, by index.</summary>
    public IReadOnlyList<ChoiceStream> Choices { get; }

    /// <summary>When the request was accepted.</summary>
    public DateTimeOffset Created { get; } = DateTimeOffset.UtcNow;

    /// <summary>The tokens read and written so far.</summary>
    public Usage Usage => new()
    {
        PromptTokens = Columns.Sum(column => column.Usage.PromptTokens),
        CompletionTokens = Columns.Sum(column => column.Usage.CompletionTokens),
        PromptTokensDetails = new() { CachedTokens = Columns.Sum(column => column.Usage.PromptTokensDetails.CachedTokens) },
    };

    /// <summary>The parts of all choices as they come; those of one choice in order. To be read once.</summary>
    public ChannelReader<ChoicePart> ReadParts(CancellationToken cancellationToken)
    {
        if (Choices is [var single]) return single;
        var parts = Channel.CreateBounded<ChoicePart>(PartsAhead);
        _ = CopyAllAsync();
        return parts.Reader;

        async Task CopyAllAsync()
        {
            await Task.WhenAll(Choices.Select(CopyAsync));
            parts.Writer.TryComplete();
        }

        async Task CopyAsync(ChoiceStream choice)
        {
            try
            {
                await foreach (var part in choice.ReadAllAsync(cancellationToken)) await parts.Writer.WriteAsync(part, cancellationToken);
            }
            catch (Exception e)
            {
                parts.Writer.TryComplete(e);
            }
        }
    }

    /// <summary>All parts of each choice, by its index.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<ChoicePart>>> CollectAsync(CancellationToken cancellationToken)
    {
        var parts = new List<ChoicePart>[Choices.Count];
        for (var i = 0; i < parts.Length; i++) parts[i] = [];
        await foreach (var part in ReadParts(cancellationToken).ReadAllAsync(cancellationToken)) parts[part.Index].Add(part);
        return parts;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (var column in Columns) column.Dispose();
        _account.Settle(this);
    }
}
