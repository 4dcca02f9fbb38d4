using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Generation;

namespace LoraServe.Tests.Generation;

public class StopStringsTests
{
    [Fact]
    public void Append_StopStringAcrossPieces_EndsBeforeIt()
    {
        var stops = new StopStrings(["\nuser:"], includeInOutput: false);

        stops.Append("Hello\n", mayStop: true).ShouldBe("Hello");
        stops.Append("us", mayStop: true).ShouldBe("");
        stops.Append("er: more", mayStop: true).ShouldBe("");
        stops.Found.ShouldBe("\nuser:");
        stops.Append("still more", mayStop: true).ShouldBe("");
        stops.Flush().ShouldBe("");
    }

    [Fact]
    public void Append_BeginningThatComesToNothing_IsReleased()
    {
        var stops = new StopStrings(["END"], includeInOutput: false);

        stops.Append("aEN", mayStop: true).ShouldBe("a");
        stops.Append("Emy", mayStop: true).ShouldBe("ENEmy");
        stops.Found.ShouldBeNull();
    }

    [Fact]
    public void Append_IncludeInOutput_KeepsTheStopStringAndNothingBehindIt()
    {
        var stops = new StopStrings([";"], includeInOutput: true);

        stops.Append("a;b", mayStop: true).ShouldBe("a;");
    }

    [Fact]
    public void Append_MayNotStop_IgnoresWhatIsComplete()
    {
        var stops = new StopStrings(["ab"], includeInOutput: false);

        stops.Append("ab", mayStop: false).ShouldBe("ab");
        stops.Append("c a", mayStop: false).ShouldBe("c ");
        stops.Append("b", mayStop: true).ShouldBe("");
        stops.Found.ShouldBe("ab");
    }

    [Theory]
    [InlineData("<|end|>", "Hello", false)]
    [InlineData("<|end|>", "Hello<|end|>", true)]
    [InlineData("lo<|end|>", "Hel", false)]
    [InlineData("<|end|> you", "Hello", false)]
    [InlineData("o<|end|> y", "Hello<|end|> y", true)]
    public void AppendHidden_StopStringWithASpecialToken_IsFound(string stop, string expected, bool include)
    {
        var stops = new StopStrings([stop], include);

        var text = stops.Append("Hello", mayStop: true) + stops.AppendHidden("<|end|>", mayStop: true) + stops.Append(" you", mayStop: true);

        (text + stops.Flush()).ShouldBe(expected);
        stops.Found.ShouldBe(stop);
    }

    [Theory]
    [InlineData(">")]
    [InlineData("<|")]
    [InlineData("o<")]
    [InlineData("> you")]
    [InlineData("<|end|>!")]
    [InlineData("Hello<|end|>you")]
    public void AppendHidden_NoStopStringWithTheWholeToken_ShowsNothingOfIt(string stop)
    {
        var stops = new StopStrings([stop], includeInOutput: false);

        var text = stops.Append("Hello", mayStop: true) + stops.AppendHidden("<|end|>", mayStop: true) + stops.Append(" you", mayStop: true);

        (text + stops.Flush()).ShouldBe("Hello you");
        stops.Found.ShouldBeNull();
    }

    [Fact]
    public void AppendHidden_AmidAStopString_IsAsIfItWereNotThere()
    {
        var stops = new StopStrings(["ab"], includeInOutput: false);

        (stops.Append("xa", mayStop: true) + stops.AppendHidden("<s>", mayStop: true) + stops.Append("b", mayStop: true)).ShouldBe("x");
        stops.Found.ShouldBe("ab");
    }

    [Fact]
    public void AppendHidden_MayNotStop_IgnoresWhatIsComplete()
    {
        var stops = new StopStrings(["<s>"], includeInOutput: false);

        stops.AppendHidden("<s>", mayStop: false).ShouldBe("");
        stops.Append("a", mayStop: true).ShouldBe("a");
        stops.AppendHidden("<s>", mayStop: true).ShouldBe("");
        stops.Found.ShouldBe("<s>");
    }

    [Fact]
    public void Flush_TextHeldBack_ReturnsIt()
    {
        var stops = new StopStrings(["END"], includeInOutput: false);

        stops.Append("the EN", mayStop: true).ShouldBe("the ");
        stops.Flush().ShouldBe("EN");
    }

    // A small alphabet makes stop strings, their beginnings and overlaps likely.
    [Property(MaxTest = 2000)]
    public Property Append_AnyPieces_GivesWhatTheWholeTextGives()
    {
        var text = Gen.Elements("a", "b", "ab", "ba", "aab", "c").ListOf().Select(parts => string.Concat(parts));
        var stops = text.Where(stop => stop.Length > 0).ListOf(2).Select(list => list.ToArray());
        var cases = from whole in text
                    from cuts in Gen.Choose(0, 3).ListOf()
                    from stop in stops
                    from include in Gen.Elements(true, false)
                    select (whole, cuts, stop, include);
        return Prop.ForAll(cases.ToArbitrary(), @case =>
        {
            var (whole, cuts, stop, include) = @case;
            var cut = new StopStrings(stop, include);
            var result = "";
            var at = 0;
            foreach (var length in cuts.Append(whole.Length))
            {
                var piece = whole.Substring(at, Math.Min(length, whole.Length - at));
                at += piece.Length;
                result += cut.Append(piece, mayStop: true);
            }

            return result + cut.Flush() == Expected(whole, stop, include);
        });
    }

    // By the definition: the stop string whose end comes first, of two with the same end the longer one.
    private static string Expected(string text, string[] stops, bool include)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var found = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (found is not null) return text[..(include ? end : end - found.Length)];
        }

        return text;
    }
}
