namespace LoraServe.Tests.Metrics;

/// <summary>What the tests' own parser accepts and rejects.</summary>
public class PrometheusTextTests
{
    private const string Head = "# HELP a_total Some help.\n# TYPE a_total counter\n";

    [Fact]
    public void Parse_EscapedLabel_GivesTheValue()
    {
        var text = PrometheusText.Parse(Head + "a_total{x=\"\\\\ \\\" \\n\",y=\"\"} 1.5e3\n");

        text["a_total", ("x", "\\ \" \n"), ("y", "")].ShouldBe(1500);
    }

    [Theory]
    [InlineData("a_total 1\n")]
    [InlineData(Head + "a_total 1")]
    [InlineData(Head + "b_total 1\n")]
    [InlineData(Head + "a_total 1\na_total 2\n")]
    [InlineData(Head + "a_total -1\n")]
    [InlineData(Head + "a_total one\n")]
    [InlineData(Head + "a_total{x=\"\\t\"} 1\n")]
    [InlineData(Head + "a_total{x=\"1\" 1\n")]
    [InlineData(Head + "a_total{x=\"1\",x=\"2\"} 1\n")]
    [InlineData(Head + "a_total{x:y=\"1\"} 1\n")]
    [InlineData(Head + Head)]
    [InlineData("# HELP h .\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n")]
    [InlineData("# HELP h .\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n")]
    [InlineData("# HELP h .\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n")]
    public void Parse_WrongText_Throws(string text) => Should.Throw<FormatException>(() => PrometheusText.Parse(text));
}
