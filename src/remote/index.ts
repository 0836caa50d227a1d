export { compareKeys, restBelow } from '../core/key-order.ts'
export { detached, sharedContext } from './aftermath.ts'
export type { Expected } from './answers.ts'
export { addAttributes } from './attribute-headers.ts'
export { type BatchAnswer, Batches, type BatchProtocol } from './batches.ts'
export {
  type Bytes,
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumOf,
  hashOf,
  RunningChecksum,
} from './checksums.ts'
export { classifyHttp, type ServiceCodes, serviceCodeOf } from './codes.ts'
export {
  type ConditionSupport,
  Conditions,
  conditionFailed,
  FULL_CONDITIONS,
  NO_CONDITIONS,
  repeatUnder,
  type Trial,
  type TrialRequests,
  trialOf,
  type WriteConditions,
} from './conditions.ts'
export { Container } from './container.ts'
export {
  type ContainerMethod,
  type ContainerProtocol,
  type ContainerRow,
  checkIsEmpty,
  checkIsMissing,
  containerLimit,
  containerPage,
  containersOf,
} from './containers.ts'
export { CustomDomain, type UrlQuery } from './custom-domain.ts'
export { type DocumentAnswer, readDocument } from './document.ts'
export { type DownloadOptions, downloadQuery, type OverrideNames } from './download-query.ts'
export { type ServiceEndpoint, serviceEndpoint } from './endpoint.ts'
export { countOf, dateOf, etagOf, type HeaderStat, headerTextOf, sizedStat, sizeOf, statOfHeaders } from './headers.ts'
export { httpClientOf } from './http-client.ts'
export { type HttpErrorDetails, HttpStatusError, shownText } from './http-error.ts'
export { metadataHeaders, metadataOf } from './metadata.ts'
export { type BatchedAnswer, type BatchedRequest, batchAnswers, batchBody } from './multipart.ts'
export { type AttributeParameters, type ObjectOptions, ObjectStorage } from './object-storage.ts'
export { OpenUploads, type Stop } from './open-uploads.ts'
export {
  type ConnectionOptions,
  connectionSettings,
  type KeysOf,
  locationSetting,
  type ObjectParametersSource,
  type PartOptions,
  partSettings,
  type UploadOptions,
  type UrlPolicyOptions,
  uploadSettings,
  urlPolicySettings,
} from './options.ts'
export { type ListedUpload, Orphans, type UploadKey, type UploadPage, type UploadRequests } from './orphans.ts'
export { checkedPage, isEmptyRange, sizedPage } from './page-range.ts'
export {
  dispositionText,
  headerText,
  type ParameterKind,
  type ParameterRow,
  ParameterTable,
  type ParameterWriter,
  parameterOf,
} from './parameters.ts'
export { type PartPlan, partPlan } from './part-plan.ts'
export type { Creation, FailedFinish, PartProtocol, UploadTarget } from './part-protocol.ts'
export { copyInRanges, writeObject } from './part-upload.ts'
export type { PartLimits, Piece, PieceRange } from './pieces.ts'
export { type Polled, type PollingOptions, polled } from './polling.ts'
export { type CheckedRead, checkedRead, type GetAnswer } from './ranges.ts'
export { type ReadProtocol, readObject } from './reading.ts'
export { type Hide, hiding } from './redact.ts'
export { isSkewed, type Refusal, readRefusal, skewHint } from './refusal.ts'
export { hidingSecrets, type RequestSecrets } from './secrets.ts'
export {
  type Answered,
  type Lesson,
  type Prepared,
  Service,
  type ServiceProtocol,
  type ServiceRequest,
  type XmlAnswer,
} from './service.ts'
export { AWS4, GOOG4, GOOG4_RSA, type SigningDialect } from './sign/dialect.ts'
export { encodeComponent, encodeKey } from './sign/encode.ts'
export {
  type PolicyPlan,
  type PostCondition,
  type PostForm,
  type PostPolicyOptions,
  planPolicy,
  postPolicy,
} from './sign/post-policy.ts'
export { encodeQuery, type Query, type SignableRequest, type SigningCredentials } from './sign/query.ts'
export type { SigningScope } from './sign/signing-key.ts'
export {
  EMPTY_PAYLOAD_HASH,
  type PresignPlan,
  type PresignV4Options,
  planPresign,
  presignV4,
  type SignV4Options,
  signV4,
  UNSIGNED_PAYLOAD,
} from './sign/v4.ts'
export { type RenewalOptions, Renewed } from './token.ts'
export { type FormTarget, formPolicy, type UploadFormOptions, uploadForm } from './upload-form.ts'
export { fieldText, isXmlText, parseXml, readXml, type XmlNode, xmlText } from './xml.ts'
