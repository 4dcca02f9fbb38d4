using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Training;

namespace LoraServe.Tests.Training;

public class PromotionConditionsTests
{
    private static readonly FiguresResource Figures = new()
    {
        Loss = 0.05,
        Perplexity = 1.05,
        TokenAccuracy = 0.98,
        ExactMatch = 0.9,
        Examples = 10,
        GeneratedExamples = 10,
    };

    [Theory]
    [InlineData("exact_match", ">=0.9")]
    [InlineData("exact_match", "<=0.9")]
    [InlineData("exact_match", ">0.89")]
    [InlineData("loss", "< 0.1")]
    [InlineData("perplexity", "<1.06")]
    [InlineData("token_accuracy", ">9.7e-1")]
    public void Check_ConditionHolds_Passes(string name, string text) => Parse((name, text)).Check(Figures);

    [Theory]
    [InlineData("exact_match", ">0.9", "found 0.9")]
    [InlineData("exact_match", "<0.9", "found 0.9")]
    [InlineData("loss", ">=0.051", "found 0.05")]
    [InlineData("perplexity", "<=1", "found 1.05")]
    public void Check_ConditionDoesNotHold_SaysTheFigure(string name, string text, string message) =>
        Should.Throw<ConditionsNotMetException>(() => Parse((name, text)).Check(Figures)).Message.ShouldContain(message);

    [Fact]
    public void Check_SeveralConditions_SaysEachThatFails()
    {
        var failure = Should.Throw<ConditionsNotMetException>(() => Parse(("loss", "<0.01"), ("exact_match", ">=0.5"), ("perplexity", ">2")).Check(Figures));

        failure.Message.ShouldContain("loss");
        failure.Message.ShouldContain("perplexity");
        failure.Message.ShouldNotContain("exact_match");
    }

    [Fact]
    public void Check_FigureThatDoesNotExist_IsNoPass()
    {
        Should.Throw<ConditionsNotMetException>(() => Parse(("loss", "<100")).Check(null)).Message.ShouldContain("validation");
        Should.Throw<ConditionsNotMetException>(() => Parse(("exact_match", ">=0")).Check(Figures with { ExactMatch = null }))
            .Message.ShouldContain("exact_match_examples");
        Should.NotThrow(() => Parse().Check(null));
    }

    [Theory]
    [InlineData("accuracy", ">=0.9")]
    [InlineData("loss", "0.9")]
    [InlineData("loss", "==0.9")]
    [InlineData("loss", ">=")]
    [InlineData("loss", "<NaN")]
    [InlineData("loss", "<Infinity")]
    [InlineData("loss", "")]
    public void Parse_OtherForms_AreRefused(string name, string text) => Should.Throw<InvalidRequestException>(() => Parse((name, text)));

    private static PromotionConditions Parse(params (string Name, string Text)[] conditions) =>
        PromotionConditions.Parse(conditions.ToDictionary(condition => condition.Name, condition => condition.Text));
}
