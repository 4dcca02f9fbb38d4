using System.Threading.Channels;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public class TokenStreamTests
{
    private const int Races = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task WhenEndedAsync_EndsWhileTheLastTokenIsRead_Completes()
    {
        for (var i = 0; i < Races; i++)
        {
            var (stream, output) = Open();
            output.TryWrite(new GeneratedToken(1, null, FinishReason.Length));
            var ending = Task.Run(() => output.TryComplete(), TestContext.Current.CancellationToken);
            while (!stream.Tokens.TryRead(out _))
            {
            }

            await stream.WhenEndedAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
            await ending;
        }
    }

    [Fact]
    public async Task WhenEndedAsync_ATokenIsLeft_Throws()
    {
        var (stream, output) = Open();
        output.TryWrite(new GeneratedToken(1, null, FinishReason.Length));

        await Should.ThrowAsync<InvalidOperationException>(() => stream.WhenEndedAsync(TestContext.Current.CancellationToken));
    }

    private static (TokenStream Stream, ChannelWriter<GeneratedToken> Output) Open()
    {
        var channel = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var sequence = SubmittedSequence.OfLength(promptLength: 1, maxTokens: 1).Sequence;
        return (new TokenStream(sequence, channel.Reader, Task.FromResult<IReadOnlyList<TokenLogprobs?>>([]), loop: null!), channel.Writer);
    }
}
