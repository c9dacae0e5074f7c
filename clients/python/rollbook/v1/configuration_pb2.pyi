from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WifiSecurityType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WIFI_SECURITY_TYPE_UNSPECIFIED: _ClassVar[WifiSecurityType]
    WIFI_SECURITY_TYPE_NONE: _ClassVar[WifiSecurityType]
    WIFI_SECURITY_TYPE_WPA: _ClassVar[WifiSecurityType]
    WIFI_SECURITY_TYPE_WEP: _ClassVar[WifiSecurityType]
    WIFI_SECURITY_TYPE_EAP: _ClassVar[WifiSecurityType]

class WifiEapMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WIFI_EAP_METHOD_UNSPECIFIED: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_PEAP: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_TLS: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_TTLS: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_PWD: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_SIM: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_AKA: _ClassVar[WifiEapMethod]
    WIFI_EAP_METHOD_AKA_PRIME: _ClassVar[WifiEapMethod]

class WifiPhase2Auth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WIFI_PHASE2_AUTH_UNSPECIFIED: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_NONE: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_PAP: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_MSCHAP: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_MSCHAPV2: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_GTC: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_SIM: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_AKA: _ClassVar[WifiPhase2Auth]
    WIFI_PHASE2_AUTH_AKA_PRIME: _ClassVar[WifiPhase2Auth]
WIFI_SECURITY_TYPE_UNSPECIFIED: WifiSecurityType
WIFI_SECURITY_TYPE_NONE: WifiSecurityType
WIFI_SECURITY_TYPE_WPA: WifiSecurityType
WIFI_SECURITY_TYPE_WEP: WifiSecurityType
WIFI_SECURITY_TYPE_EAP: WifiSecurityType
WIFI_EAP_METHOD_UNSPECIFIED: WifiEapMethod
WIFI_EAP_METHOD_PEAP: WifiEapMethod
WIFI_EAP_METHOD_TLS: WifiEapMethod
WIFI_EAP_METHOD_TTLS: WifiEapMethod
WIFI_EAP_METHOD_PWD: WifiEapMethod
WIFI_EAP_METHOD_SIM: WifiEapMethod
WIFI_EAP_METHOD_AKA: WifiEapMethod
WIFI_EAP_METHOD_AKA_PRIME: WifiEapMethod
WIFI_PHASE2_AUTH_UNSPECIFIED: WifiPhase2Auth
WIFI_PHASE2_AUTH_NONE: WifiPhase2Auth
WIFI_PHASE2_AUTH_PAP: WifiPhase2Auth
WIFI_PHASE2_AUTH_MSCHAP: WifiPhase2Auth
WIFI_PHASE2_AUTH_MSCHAPV2: WifiPhase2Auth
WIFI_PHASE2_AUTH_GTC: WifiPhase2Auth
WIFI_PHASE2_AUTH_SIM: WifiPhase2Auth
WIFI_PHASE2_AUTH_AKA: WifiPhase2Auth
WIFI_PHASE2_AUTH_AKA_PRIME: WifiPhase2Auth

class Configuration(_message.Message):
    __slots__ = ("vendor_keys", "system_extras", "custom_system_keys")
    VENDOR_KEYS_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_EXTRAS_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_SYSTEM_KEYS_FIELD_NUMBER: _ClassVar[int]
    vendor_keys: _struct_pb2.Struct
    system_extras: AndroidSystemExtras
    custom_system_keys: _struct_pb2.Struct
    def __init__(self, vendor_keys: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., system_extras: _Optional[_Union[AndroidSystemExtras, _Mapping]] = ..., custom_system_keys: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class AndroidSystemExtras(_message.Message):
    __slots__ = ("device_admin_component_name", "device_admin_package_download_location", "device_admin_signature_checksum", "device_admin_package_checksum", "device_admin_package_download_cookie_header", "device_admin_minimum_version_code", "locale", "time_zone", "local_time", "leave_all_system_apps_enabled", "skip_encryption", "use_mobile_data", "sensors_permission_grant_opt_out", "allow_offline", "keep_screen_on", "organization_name", "support_url", "wifi_ssid", "wifi_security_type", "wifi_password", "wifi_hidden", "wifi_proxy_host", "wifi_proxy_port", "wifi_proxy_bypass", "wifi_pac_url", "wifi_eap_method", "wifi_phase2_auth", "wifi_ca_certificate", "wifi_user_certificate", "wifi_identity", "wifi_anonymous_identity", "wifi_domain", "role_holder_package_download_location", "role_holder_signature_checksum", "role_holder_package_download_cookie_header", "role_holder_extras_bundle", "should_launch_result_intent")
    DEVICE_ADMIN_COMPONENT_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ADMIN_SIGNATURE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ADMIN_PACKAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ADMIN_PACKAGE_DOWNLOAD_COOKIE_HEADER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ADMIN_MINIMUM_VERSION_CODE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
    LEAVE_ALL_SYSTEM_APPS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    SKIP_ENCRYPTION_FIELD_NUMBER: _ClassVar[int]
    USE_MOBILE_DATA_FIELD_NUMBER: _ClassVar[int]
    SENSORS_PERMISSION_GRANT_OPT_OUT_FIELD_NUMBER: _ClassVar[int]
    ALLOW_OFFLINE_FIELD_NUMBER: _ClassVar[int]
    KEEP_SCREEN_ON_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_NAME_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_URL_FIELD_NUMBER: _ClassVar[int]
    WIFI_SSID_FIELD_NUMBER: _ClassVar[int]
    WIFI_SECURITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIFI_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    WIFI_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    WIFI_PROXY_HOST_FIELD_NUMBER: _ClassVar[int]
    WIFI_PROXY_PORT_FIELD_NUMBER: _ClassVar[int]
    WIFI_PROXY_BYPASS_FIELD_NUMBER: _ClassVar[int]
    WIFI_PAC_URL_FIELD_NUMBER: _ClassVar[int]
    WIFI_EAP_METHOD_FIELD_NUMBER: _ClassVar[int]
    WIFI_PHASE2_AUTH_FIELD_NUMBER: _ClassVar[int]
    WIFI_CA_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    WIFI_USER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    WIFI_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    WIFI_ANONYMOUS_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    WIFI_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    ROLE_HOLDER_PACKAGE_DOWNLOAD_LOCATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_HOLDER_SIGNATURE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    ROLE_HOLDER_PACKAGE_DOWNLOAD_COOKIE_HEADER_FIELD_NUMBER: _ClassVar[int]
    ROLE_HOLDER_EXTRAS_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SHOULD_LAUNCH_RESULT_INTENT_FIELD_NUMBER: _ClassVar[int]
    device_admin_component_name: str
    device_admin_package_download_location: str
    device_admin_signature_checksum: str
    device_admin_package_checksum: str
    device_admin_package_download_cookie_header: str
    device_admin_minimum_version_code: int
    locale: str
    time_zone: str
    local_time: int
    leave_all_system_apps_enabled: bool
    skip_encryption: bool
    use_mobile_data: bool
    sensors_permission_grant_opt_out: bool
    allow_offline: bool
    keep_screen_on: bool
    organization_name: str
    support_url: str
    wifi_ssid: str
    wifi_security_type: WifiSecurityType
    wifi_password: str
    wifi_hidden: bool
    wifi_proxy_host: str
    wifi_proxy_port: int
    wifi_proxy_bypass: str
    wifi_pac_url: str
    wifi_eap_method: WifiEapMethod
    wifi_phase2_auth: WifiPhase2Auth
    wifi_ca_certificate: str
    wifi_user_certificate: str
    wifi_identity: str
    wifi_anonymous_identity: str
    wifi_domain: str
    role_holder_package_download_location: str
    role_holder_signature_checksum: str
    role_holder_package_download_cookie_header: str
    role_holder_extras_bundle: _struct_pb2.Struct
    should_launch_result_intent: bool
    def __init__(self, device_admin_component_name: _Optional[str] = ..., device_admin_package_download_location: _Optional[str] = ..., device_admin_signature_checksum: _Optional[str] = ..., device_admin_package_checksum: _Optional[str] = ..., device_admin_package_download_cookie_header: _Optional[str] = ..., device_admin_minimum_version_code: _Optional[int] = ..., locale: _Optional[str] = ..., time_zone: _Optional[str] = ..., local_time: _Optional[int] = ..., leave_all_system_apps_enabled: bool = ..., skip_encryption: bool = ..., use_mobile_data: bool = ..., sensors_permission_grant_opt_out: bool = ..., allow_offline: bool = ..., keep_screen_on: bool = ..., organization_name: _Optional[str] = ..., support_url: _Optional[str] = ..., wifi_ssid: _Optional[str] = ..., wifi_security_type: _Optional[_Union[WifiSecurityType, str]] = ..., wifi_password: _Optional[str] = ..., wifi_hidden: bool = ..., wifi_proxy_host: _Optional[str] = ..., wifi_proxy_port: _Optional[int] = ..., wifi_proxy_bypass: _Optional[str] = ..., wifi_pac_url: _Optional[str] = ..., wifi_eap_method: _Optional[_Union[WifiEapMethod, str]] = ..., wifi_phase2_auth: _Optional[_Union[WifiPhase2Auth, str]] = ..., wifi_ca_certificate: _Optional[str] = ..., wifi_user_certificate: _Optional[str] = ..., wifi_identity: _Optional[str] = ..., wifi_anonymous_identity: _Optional[str] = ..., wifi_domain: _Optional[str] = ..., role_holder_package_download_location: _Optional[str] = ..., role_holder_signature_checksum: _Optional[str] = ..., role_holder_package_download_cookie_header: _Optional[str] = ..., role_holder_extras_bundle: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., should_launch_result_intent: bool = ...) -> None: ...
