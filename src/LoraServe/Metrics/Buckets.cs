using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>Histogram boundaries: vLLM's, those of OpenTelemetry's semantic conventions, and our own.</summary>
internal static class Buckets
{
    /// <summary>vLLM's for whole requests and their phases.</summary>
    public static readonly InstrumentAdvice<double> RequestSeconds =
        Of(.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680);

    /// <summary>vLLM's for the first token.</summary>
    public static readonly InstrumentAdvice<double> FirstTokenSeconds =
        Of(.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560);

    /// <summary>vLLM's for one token of a request.</summary>
    public static readonly InstrumentAdvice<double> TokenSeconds =
        Of(.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80);

    /// <summary>vLLM's for the parameter n.</summary>
    public static readonly InstrumentAdvice<double> Choices = Of(1, 2, 5, 10, 20);

    /// <summary>Few, since every adapter has a series for each.</summary>
    public static readonly InstrumentAdvice<double> AdapterSeconds = Of(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60);

    /// <summary>OpenTelemetry's for whole requests.</summary>
    public static readonly InstrumentAdvice<double> GenAiRequestSeconds =
        Of(.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);

    /// <summary>OpenTelemetry's for output tokens.</summary>
    public static readonly InstrumentAdvice<double> GenAiTokenSeconds = Of(.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5);

    /// <summary>OpenTelemetry's for the first token.</summary>
    public static readonly InstrumentAdvice<double> GenAiFirstTokenSeconds =
        Of(.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10);

    /// <summary>OpenTelemetry's for token counts.</summary>
    public static readonly InstrumentAdvice<double> GenAiTokens =
        Of(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864);

    /// <summary>vLLM's for token counts: 1, 2, 5, 10, 20, 50 and so on up to the context length.</summary>
    public static InstrumentAdvice<double> Tokens(int maxModelLen) => Of(
    [
        .. Enumerable.Range(0, 10)
            .SelectMany(exponent => new[] { 1.0, 2, 5 }.Select(digit => digit * Math.Pow(10, exponent)))
            .TakeWhile(tokens => tokens <= maxModelLen),
    ]);

    private static InstrumentAdvice<double> Of(params double[] boundaries) => new() { HistogramBucketBoundaries = boundaries };
}
